import socket

from shopsphere_local.ports import LOOPBACK, Ports, free_ports, is_taken


def test_the_port_plan_is_the_documented_one() -> None:
    assert Ports.from_base(18000).items() == {
        "postgres": 18001,
        "mongo": 18002,
        "kafka": 18003,
        "kafka_controller": 18004,
        "redis": 18005,
        "inventory_rest": 18010,
        "inventory_grpc": 18011,
        "fraud_rest": 18020,
        "fraud_grpc": 18021,
        "customer360_rest": 18030,
        "customer360_grpc": 18031,
        "ingest_rest": 18040,
    }


def test_free_ports_are_all_different() -> None:
    assert len(set(free_ports(20))) == 20


def test_a_port_is_taken_while_somebody_listens() -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:
        port = listener.getsockname()[1]
        assert is_taken(port)
    assert not is_taken(port)
