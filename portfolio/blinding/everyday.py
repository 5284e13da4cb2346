"""Words that are everybody's, and so identify nobody by themselves.  See `identifiers` for their use."""

from __future__ import annotations


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


GENERIC = _words("""
    a an and at by de des du for in la las le los of on the to saint saints st santa san academy academic
    academies administration agency area association board building campus center centre central charter
    christian catholic church city classical coach coaches coaching college collegiate common communities
    community company consolidated consulting cooperative corporation council country county day
    department district districts division early east eastern education educational elementary exempted
    first foundation free grade grammar great greater group high higher holy home independent infant
    institute instruction instructional intermediate international joint junior kindergarten language
    leadership learning local lower lutheran magnet main metropolitan middle ministry montessori national
    network new north northeast northern northwest office online parish prep preparatory primary private
    program public regional resource rural school schools science sciences secondary senior service
    services society south southeast southern southwest special state support system systems teacher
    teachers teaching technical technology town township training trust unified union united university
    upper urban valley village virtual vocational ward west western youth admin contact email hello info
    mail me office support staff user work
    """)

CONNECTIVES = _words("a an and at by de des du for in la las le los of on the to &")

TITLES = _words("""
    mr mrs ms mx miss dr prof professor rev reverend sir dame coach principal sr jr ii iii iv phd edd
    ed.d ph.d md ma med m.ed msc bsc ba esq
    """)

PARTICLES = _words("van von der den del della das dos las los bin ibn ben mac mck san saint the and")

PUBLIC_MAIL = _words("""
    gmail.com googlemail.com outlook.com hotmail.com live.com msn.com yahoo.com ymail.com icloud.com
    me.com mac.com aol.com proton.me protonmail.com gmx.com gmx.net gmx.de web.de zoho.com mail.com
    fastmail.com hey.com comcast.net verizon.net att.net sbcglobal.net yandex.ru mail.ru qq.com 163.com
    """)

TRADE_ACRONYMS = _words("IEP PLC ELA STEM STEAM PEERS SEL RTI MTSS PBIS ESL ELL USA PDF CSI ICT")

ALSO_WORDS = _words("""
    amber april art august autumn baker banks barber bay bell berry best bill bishop black blue bob
    book booker bond bridge bridges bright brook brooks brown bush butler buck carter case cash
    chance charity charm chase chip christian clay cliff close cole cook cross crystal daisy dale
    dawn day dear destiny diamond duke early earth east english faith fair farmer field
    fields fisher flower ford forest foster fox frank free french gardener garden gay gold good
    goodman grace grand grant gray green grey grove hall hand harmony harbor hart haven hays heath
    heather heaven herb hill hills holly hope hunter iris ivy jade jewel job joy
    june justice key king knight lake lane large law lily little long love low lucky major mark
    marks mars marsh marshal mason may mead meadow mercy miles mill miller mills moon moor morning
    moss mountain mount noble north oak ocean page park parks patience pace pat
    peace pearl penny pepper pierce pine pleasant pond pope porter powers price prince
    prudence queen rain reading rich rice ridge river rivers rob robin rock rose rosemary
    ruby rush rust sage sandy savage savanna scarlet shepherd short sierra silver singer sky skinner
    small smart snow south spring springs star steel stone storm story strange street strong summer
    summers sun sweet swift tailor temple trinity turner victor walker
    wall ward waters way weaver web weeks wells west wheeler white wild will wise winter
    wolf wood woods words young
    """)
