// Run by the compose job `mongo-replica-set` with mongosh; running it again changes nothing. Change streams, which
// ingest follows, exist on replica sets alone, so the one server is a set of one.
const password = process.env.INGEST_PASSWORD;

function isMember() {
  try {
    return rs.status().ok === 1;
  } catch (error) {
    if (error.codeName === "NotYetInitialized") return false;
    throw error;
  }
}

if (!isMember()) {
  rs.initiate({ _id: "rs0", members: [{ _id: 0, host: "mongo:27017" }] });
}

const deadline = Date.now() + 60_000;
while (!db.hello().isWritablePrimary) {
  if (Date.now() > deadline) throw new Error("the replica set has no primary after 60 s");
  sleep(200);
}

// The role that ingest reads with: it may read the marketplace and its change streams, and write nothing.
const admin = db.getSiblingDB("admin");
if (admin.getUser("ingest") === null) {
  admin.createUser({ user: "ingest", pwd: password, roles: [{ role: "read", db: "marketplace" }] });
}

// A collection can be followed only once it is there.
const marketplace = db.getSiblingDB("marketplace");
if (!marketplace.getCollectionNames().includes("marketplace_orders")) {
  marketplace.createCollection("marketplace_orders");
}
print("rs0 has a primary, and ingest can read marketplace");
