"""Short forms of first names and the names they stand for.

Written down for this project from what is commonly known of English names (as in the tables of genealogists), with a
few Spanish, German and Italian ones; a missing pair costs recall only where first names are all there is to tell
people apart.
"""

from typing import Final

_FORMS: Final = """
abigail: abby abbie gail; abraham: abe bram; adelaide: addie; adrian: ade; agnes: aggie; albert: al bert bertie;
alexander: al alex alec sandy xander lex sasha; alexandra: alex sandra sandy lexi alexa sasha; alfred: al alf alfie
fred; alice: allie ali; alicia: ali lisha; allison: allie ali ally; alison: allie ali ally; amanda: mandy manda;
amelia: amy millie mia; andrea: andi andie drea; andrew: andy drew; angela: angie; ann: annie nan nancy; anna: annie;
anne: annie nan; annabelle: anna bella; anthony: tony ant; antonio: tony toni; antoinette: toni nettie; archibald:
archie; arnold: arnie; arthur: art artie; augustus: gus august; barbara: barb barbie babs bobbie; bartholomew: bart;
beatrice: bea trixie; belinda: linda lindy; benedict: ben; benjamin: ben benny benji; bernadette: bernie; bernard:
bernie; bethany: beth; beverly: bev; bradley: brad; bradford: brad; brandon: brand; brenda: bren; brendan: bren;
bridget: biddy bridie; calvin: cal; cameron: cam; camille: cammie millie; carol: carrie; caroline: carrie carol caro
lina; carolyn: carrie carol lyn; cassandra: cassie cass sandra sandy; catherine: cathy cat cate kate katie kathy kitty
kay; katherine: kate katie kathy kat kitty kay kit; kathleen: kathy kath kate katie kay; kathryn: kathy kate katie kat
kay; cecilia: celia cece; charles: charlie chuck chas chaz; charlotte: charlie lottie char; chester: chet; christian:
chris; christina: chris chrissy tina christy; christine: chris chrissy tina christy; christopher: chris kit topher;
clarence: clare; clifford: cliff; clinton: clint; constance: connie; cornelius: neil corny; courtney: court; crystal:
crys; curtis: curt; cynthia: cindy; daniel: dan danny; danielle: dani; david: dave davy davey; deanna: dee; deborah:
deb debbie debra; debra: deb debbie; delores: lola dee; denise: denny; dennis: denny den; derek: rick; desmond: des;
diana: di; diane: di; dolores: lola; dominic: dom nick; donald: don donnie; donna: don; dorothy: dot dottie dolly;
douglas: doug; duncan: dunc; edgar: ed eddie; edith: edie; edmund: ed eddie ned ted; edward: ed eddie ned ted teddy;
edwin: ed eddie; eileen: lena; elaine: laney lainey; eleanor: ellie nell nora elle; elijah: eli; elizabeth: liz lizzie
beth betty betsy eliza libby lisa bess ellie; ella: ellie; ellen: ellie nell; emily: em emmy; emma: em emmy; emmanuel:
manny; enrique: rick kike; eric: rick; ernest: ernie; esther: essie; ethan: eth; eugene: gene; evelyn: evie eve;
ezekiel: zeke; felicia: fel; florence: flo flossie; frances: fran frannie francie; francis: frank fran; francisco:
paco frank pancho; franklin: frank; frederick: fred freddie freddy fritz; gabriel: gabe; gabriella: gabby ella;
gabrielle: gabby; geoffrey: geoff jeff; george: georgie; georgina: georgie gina; gerald: gerry jerry; geraldine:
gerry; gerard: gerry; gertrude: gertie trudy; gilbert: gil bert; giovanni: gio; giuseppe: joe beppe; gloria: glo;
grace: gracie; graham: gram; gregory: greg; guillermo: will memo; gwendolyn: gwen; hannah: anna; harold: harry hal;
harriet: hattie; harrison: harry; harvey: harv; heather: heath; helen: nell ellie; helena: lena; henrietta: etta
hettie; henry: hank harry hal; herbert: herb bert; herman: herm; howard: howie; hubert: hugh bert; hugh: hughie;
ignacio: nacho; irene: rene; isaac: ike zac; isabella: bella izzy belle; isabel: bella izzy belle; isabelle: bella
izzy belle; isaiah: ike; jacob: jake jay; jacqueline: jackie; james: jim jimmy jamie jem; jane: janie jenny; janet:
jan; janice: jan; jason: jay jase; jasmine: jas jazz; jean: jeanie; jeanette: jean nettie; jeffrey: jeff; jeffery:
jeff; jennifer: jen jenny jenn; jeremiah: jerry; jeremy: jerry jem; jerome: jerry; jessica: jess jessie; jesse: jess;
jill: jilly; jillian: jill; joan: joanie; joanna: jo joanne; joanne: jo; jodie: jo; john: jack johnny jon jock;
johnathan: john jon johnny; jonathan: jon john johnny nathan; jordan: jordy; jose: pepe joe; joseph: joe joey jo;
josephine: jo josie; joshua: josh; joyce: joy; judith: judy jude; judy: jude; julia: julie jules; julian: jules;
juliana: julie; june: junie; justin: jus; karen: kari; kelly: kel; kenneth: ken kenny; kimberly: kim kimmy; kristen:
kris; kristin: kris; kristina: kris tina; kristopher: kris; kyle: ky; lance: lan; laura: laurie lori; lauren: laurie
ren; laurence: larry laurie; lawrence: larry lars laurie; leah: lee; leo: lee; leonard: len lenny leo; leonardo: leo;
leroy: roy lee; leslie: les; lester: les; lewis: lou lew; lillian: lily lil; linda: lin lindy; lindsey: lin; lindsay:
lin; lisa: lis; lloyd: floyd; lois: lo; lorraine: lorrie rainey; louis: lou louie; louise: lou; lucille: lucy; lucas:
luke; luis: lou; lydia: liddy; lynn: lyn; mackenzie: mac kenzie; madeline: maddie; madison: maddie; malcolm: mal;
marcus: mark marc; margaret: maggie meg peggy marge margie madge greta rita peg; maria: mia; marianne: mary anne;
marilyn: mary; marjorie: marge margie; marie: mary; martha: marty mattie; martin: marty; marvin: marv; mary: molly
polly mae mamie; matilda: tilly mattie; matthew: matt matty; maureen: mo; maurice: mo; maxwell: max; maximilian: max;
megan: meg; melanie: mel; melinda: mel mindy; melissa: mel missy lissa; mercedes: mercy; michael: mike mick mickey
micky mikey; michelle: shelly mich chelle; mildred: millie; miranda: mandy; miriam: mimi; mitchell: mitch; monica:
mona; morris: mo; mohammed: mo mohamed muhammad; nancy: nan; natalie: nat; natasha: tasha nat; nathan: nate nat;
nathaniel: nate nat nathan; nicholas: nick nicky nico; nicole: nikki nicky; nicola: nikki nicky; norman: norm; oliver:
ollie; olivia: liv livvy; oscar: ossie; oswald: oz ossie; pamela: pam; patricia: pat patty trish tricia patsy;
patrick: pat paddy rick; paul: paulie; paula: polly; pauline: polly; penelope: penny; perry: per; peter: pete; philip:
phil pip; phillip: phil; phyllis: phyl; priscilla: cilla; rachel: rach; rafael: rafa; ralph: ralphie; ramon: ray;
randall: randy; randolph: randy; raymond: ray; rebecca: becky becca; regina: gina; reginald: reg reggie; rhonda: ron;
ricardo: rick ricky; richard: rick dick rich ricky richie; robert: bob bobby rob robbie bert robby; roberta: bobbie;
roberto: bob beto; robin: rob; roderick: rod rick; rodney: rod; roger: rog; roland: rollie; ronald: ron ronnie; rosa:
rosie; rose: rosie; rosemary: rose rosie mary; roxanne: roxy; rudolph: rudy; russell: russ; ruth: ruthie; salvatore:
sal; samantha: sam sammy; samuel: sam sammy; sandra: sandy; sara: sally sadie; sarah: sally sadie; sebastian: seb bas;
serena: rena; seth: set; shannon: shan; sharon: shari; shaun: shawn; shirley: shirl; sidney: sid; sierra: si; simon:
si; solomon: sol; sophia: sophie; stacey: stace; stanley: stan; stephanie: steph stephie; stephen: steve stevie steph;
steven: steve stevie; stewart: stew stu; stuart: stu; susan: sue susie suzy; susanna: sue susie; suzanne: sue suzy;
sylvester: sly; sylvia: syl; tabitha: tabby; tamara: tammy tam; tanya: tan; teresa: terry tess tessa; terrence: terry;
terence: terry; theodore: ted teddy theo; theresa: terry tess tessa; thomas: tom tommy; tiffany: tiff; timothy: tim
timmy; tobias: toby; tracy: trace; travis: trav; trevor: trev; tyler: ty; valerie: val; vanessa: nessa; vernon: vern;
veronica: ronnie vera; victor: vic; victoria: vicky tori vic vicki; vincent: vince vinny; viola: vi; violet: vi;
virginia: ginny ginger; vivian: viv; wallace: wally; walter: walt wally; wanda: wendy; warren: ren; wayne: way; wendy:
wen; wesley: wes; wilfred: will wilf fred; wilhelm: willi; wilhelmina: mina billie; willard: will; william: will bill
billy liam willie willy; winifred: winnie; winston: win; yolanda: yoli; yvonne: von; zachary: zach zack zac;
zachariah: zach zack
"""


def short_forms(formal: str) -> frozenset[str]:
    """The short forms of a full name: 'william' → bill, billy, will …"""
    return frozenset(short for short, names in _FORMAL.items() if formal in names and short != formal)


def _formal_names() -> dict[str, frozenset[str]]:
    formal: dict[str, set[str]] = {}
    for entry in _FORMS.replace("\n", " ").split(";"):
        full, _, short = entry.partition(":")
        for one in (full, *short.split()):
            formal.setdefault(one.strip(), set()).add(full.strip())
    return {short: frozenset(names) for short, names in formal.items()}


_FORMAL: Final = _formal_names()


def formal_names(first_name: str) -> frozenset[str]:
    """The names this one may stand for, itself included: 'alex' → alex, alexander, alexandra."""
    return _FORMAL.get(first_name, frozenset()) | {first_name}


def has_forms(first_name: str) -> bool:
    """Whether the table has the name, as a short form or a full one."""
    return first_name in _FORMAL


def same_name(one: str, other: str) -> bool:
    """Whether two first names can stand for one: 'bill' and 'william', 'bill' and 'willie'."""
    return not formal_names(one).isdisjoint(formal_names(other))
