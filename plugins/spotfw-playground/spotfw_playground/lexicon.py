"""The words of the world, by what they can do in a sentence. Small letters throughout."""

from __future__ import annotations

from collections.abc import Mapping

Words = tuple[str, ...]


def _words(text: str) -> Words:
    return tuple(text.split())


WOMEN = _words("ann mia lia eva rosa nora ida ella zoe ruth jane lucy clara emma vera tina")
MEN = _words("bob leo max ben tom sam jack paul hugo otto finn carl dan noah adam erik")

COLOURS = _words("red blue green yellow black white brown grey pink purple")
OBJECTS = _words(
    "kite ball hat bag cup box lamp drum coin doll bike clock vase flute map knife scarf candle "
    "basket mirror"
)
PLACES = _words(
    "park bank market school station library museum harbour forest bakery cinema church garden "
    "beach farm hospital tower bridge"
)
VEHICLES = _words("bus train boat car taxi tram")
TIMES = _words("morning afternoon evening")
ANIMALS = _words("dog cat horse cow goat duck hen rabbit mouse fox bear owl")
JOBS = _words("baker teacher doctor farmer painter sailor singer pilot judge nurse cook guard")

#: Verbs of quiet scenes, as a present participle.
DOINGS = _words("sleeping eating running singing waiting playing hiding jumping drinking resting")
LOOKS = _words("small big old young thin fat proud shy calm wild")

#: Dimensions of a state: two poles, each a tuple of words that mean the same.
STATES: tuple[tuple[Words, Words], ...] = (
    (_words("asleep sleeping"), _words("awake")),
    (_words("hungry starving"), _words("fed")),
    (_words("wet soaked damp"), _words("dry")),
    (_words("hot boiling"), _words("cold freezing")),
    (_words("big huge large"), _words("small tiny little")),
    (_words("old ancient"), _words("young new")),
    (_words("happy glad cheerful"), _words("sad unhappy gloomy")),
    (_words("clean spotless"), _words("dirty filthy")),
    (_words("quick fast"), _words("slow")),
    (_words("loud noisy"), _words("silent quiet")),
    (_words("rich wealthy"), _words("poor penniless")),
    (_words("sick ill"), _words("healthy well")),
    (_words("brave bold"), _words("afraid scared")),
    (_words("strong mighty"), _words("weak feeble")),
)
#: Which of `STATES` a thing (rather than a person or an animal) can be in.
THING_STATES = (2, 3, 4, 5, 7)

PRAISE = _words("wonderful lovely great excellent superb delightful charming brilliant")
BLAME = _words("awful terrible dreadful poor horrible nasty disappointing dismal")

#: Domain of reviews: (what is reviewed, its parts, praise and blame of its own).
DOMAINS: Mapping[str, tuple[str, Words, Words, Words]] = {
    "film": (
        "film",
        _words("plot acting music ending story hero dialogue camera"),
        _words("gripping funny moving clever exciting original"),
        _words("boring silly confusing lifeless pointless predictable"),
    ),
    "food": (
        "meal",
        _words("soup bread fish cake sauce salad rice waiter"),
        _words("tasty fresh juicy delicious crisp generous"),
        _words("stale burnt greasy bland sour mouldy"),
    ),
    "hotel": (
        "hotel",
        _words("room bed view bath lobby pool breakfast staff"),
        _words("comfortable spacious cosy sunny welcoming modern"),
        _words("cramped smelly shabby draughty rude dusty"),
    ),
    "book": (
        "book",
        _words("chapter style opening tale cover language narrator mystery"),
        _words("thrilling witty touching vivid elegant wise"),
        _words("tedious flat clumsy shallow messy stiff"),
    ),
    "phone": (
        "phone",
        _words("screen battery button case sound speaker keyboard charger"),
        _words("reliable sturdy handy sharp smooth sleek"),
        _words("faulty fragile useless blurry loose cheap"),
    ),
}

#: Words that are a thing in one sentence and an action in another:
#: word -> (ways to use it as a thing, ways to use it as an action).
SENSES: Mapping[str, tuple[Words, Words]] = {
    "watch": (("wears a watch", "lost the watch"), ("likes to watch birds", "will watch the sea")),
    "book": (("reads a book", "put the book away"), ("wants to book a room", "will book a table")),
    "play": (("saw a play", "wrote a play"), ("likes to play outside", "will play the drum")),
    "park": (("sat in the park", "walks in a park"), ("wants to park here", "will park the car")),
    "light": (
        ("saw a light", "turned off the light"),
        ("likes to light candles", "will light a fire"),
    ),
    "ring": (("wears a ring", "found the ring"), ("wants to ring the bell", "will ring again")),
    "fish": (("ate a fish", "bought the fish"), ("likes to fish at sea", "will fish all day")),
    "cook": (("is a cook", "thanked the cook"), ("likes to cook rice", "will cook the soup")),
    "water": (
        ("drank the water", "carried some water"),
        ("has to water roses", "will water the garden"),
    ),
    "plant": (
        ("bought a plant", "touched the plant"),
        ("wants to plant a tree", "will plant beans"),
    ),
    "drink": (("ordered a drink", "spilled the drink"), ("likes to drink tea", "will drink milk")),
    "iron": (("bought an iron", "touched the iron"), ("has to iron shirts", "will iron the dress")),
    "hammer": (
        ("held a hammer", "lost the hammer"),
        ("has to hammer nails", "will hammer the post"),
    ),
    "paint": (
        ("bought some paint", "mixed the paint"),
        ("likes to paint walls", "will paint the door"),
    ),
    "brush": (
        ("used a brush", "dropped the brush"),
        ("has to brush teeth", "will brush the horse"),
    ),
    "sail": (("mended a sail", "saw the sail"), ("likes to sail alone", "will sail the boat")),
    "rock": (("sat on a rock", "threw the rock"), ("has to rock the baby", "will rock the chair")),
    "train": (("took a train", "missed the train"), ("has to train the dog", "will train hard")),
    "fly": (("saw a fly", "caught the fly"), ("wants to fly home", "will fly the plane")),
    "dress": (
        ("wears a dress", "sewed the dress"),
        ("has to dress quickly", "will dress the doll"),
    ),
    "saw": (("held a saw", "sharpened the saw"), ("has to saw wood", "will saw the plank")),
    "lock": (("broke a lock", "oiled the lock"), ("has to lock up", "will lock the gate")),
    "nail": (("bent a nail", "found the nail"), ("has to nail boards", "will nail the picture")),
    "mail": (
        ("got some mail", "carried the mail"),
        ("has to mail letters", "will mail the parcel"),
    ),
}

#: Actions and the tools that serve them.
TOOLS: Mapping[str, Words] = {
    "cut the bread": ("knife", "saw"),
    "ate the soup": ("spoon", "ladle"),
    "dug a hole": ("spade", "shovel"),
    "swept the floor": ("broom", "mop"),
    "wrote a letter": ("pen", "pencil"),
    "drove in the nail": ("hammer", "stone"),
    "dried the dishes": ("towel", "cloth"),
    "caught the fish": ("net", "rod"),
    "opened the door": ("key", "handle"),
    "painted the wall": ("brush", "roller"),
    "combed the hair": ("comb", "hairbrush"),
    "sewed the shirt": ("needle", "thread"),
}
#: Who lives or works where.
HOMES: Mapping[str, Words] = {
    "fish": ("river", "lake"),
    "bird": ("nest", "tree"),
    "bear": ("forest", "cave"),
    "camel": ("desert", "oasis"),
    "pig": ("barn", "sty"),
    "bee": ("hive", "meadow"),
    "baker": ("bakery", "shop"),
    "teacher": ("school", "classroom"),
    "doctor": ("hospital", "clinic"),
    "sailor": ("harbour", "ship"),
    "priest": ("church", "chapel"),
    "actor": ("theatre", "cinema"),
}
#: What happens and what comes of it.
EFFECTS: Mapping[str, Words] = {
    "it rained all day": ("the street got wet", "people opened umbrellas"),
    "the sun shone all day": ("the snow melted", "the washing dried"),
    "the glass fell down": ("it broke into pieces", "there were splinters on the floor"),
    "the baby was tired": ("it fell asleep", "it yawned"),
    "the cake stayed in the oven too long": ("it burned", "it turned black"),
    "the lights went out": ("the room was dark", "nobody could see"),
    "the dog was hungry": ("it ate the meat", "it begged for food"),
    "the bus was late": ("people had to wait", "the passengers complained"),
    "the joke was funny": ("everybody giggled", "the children chuckled"),
    "the thief ran off": ("the police chased him", "the shopkeeper shouted"),
    "the night was icy": ("the lake froze", "people wore thick coats"),
    "the tyre burst": ("the car stopped", "the driver changed the wheel"),
}

#: Topic -> (who, what they did, with or at what).
TOPICS: Mapping[str, tuple[Words, Words, Words]] = {
    "sport": (
        _words("runner swimmer goalkeeper team coach"),
        ("won", "lost", "practised for", "watched"),
        ("the race", "the match", "the final", "the tournament", "the relay"),
    ),
    "cooking": (
        _words("chef butcher grocer waitress taster"),
        ("stirred", "tasted", "peeled", "served"),
        ("the stew", "the potatoes", "the dough", "the onions", "the pudding"),
    ),
    "travel": (
        _words("tourist guide passenger hiker stewardess"),
        ("packed for", "arrived from", "dreamed of", "paid for"),
        ("the journey", "the island", "the cruise", "the flight", "the mountains"),
    ),
    "health": (
        _words("patient surgeon dentist pharmacist midwife"),
        ("asked about", "treated", "worried about", "recovered from"),
        ("the fever", "the wound", "the toothache", "the pills", "the cough"),
    ),
}

SEASONS: Mapping[str, Words] = {
    "spring": ("the first flowers came up", "the birds built nests", "the lambs were born"),
    "summer": ("we swam in the warm sea", "everybody ate ice cream", "the sun burned all week"),
    "autumn": ("the leaves turned yellow", "we picked ripe apples", "the storms began"),
    "winter": ("the snow lay deep", "we skated on the lake", "the children built a snowman"),
}
