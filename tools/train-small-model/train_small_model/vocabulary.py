"""What the small model knows by name, and what it must never see.

A *concept* is a judge class: either a plain glyph ("frog") or a recoloured one ("green heart").
English labels are emojibase's; its German, French and Russian labels are used for plain glyphs.
"""

from __future__ import annotations

LANGUAGES = ("en", "de", "fr", "ru")

PLAIN_LABELS: tuple[str, ...] = tuple(
    label.strip()
    for label in """
ghost; alien; robot; skull; clown face; jack-o-lantern; monkey; gorilla; orangutan; poodle; wolf; fox; raccoon; cat;
tiger; horse; unicorn; zebra; deer; ox; cow; pig; boar; ram; goat; camel; llama; giraffe; rhinoceros; hippopotamus;
mouse; hamster; rabbit; chipmunk; hedgehog; bat; bear; koala; panda; sloth; otter; skunk; kangaroo; badger; turkey;
chicken; rooster; baby chick; penguin; eagle; duck; swan; flamingo; peacock; parrot; frog; crocodile; lizard; snake;
dragon; T-Rex; whale; dolphin; seal; blowfish; shark; squid; crab; shrimp; snail; ant; honeybee; lady beetle; spider;
scorpion; worm; hibiscus; sunflower; rose; cactus; palm tree; evergreen tree; shamrock; maple leaf; mushroom;
grapes; melon; watermelon; tangerine; lemon; banana; mango; pear; peach; cherries; kiwi fruit; tomato; olive; coconut;
avocado; eggplant; potato; carrot; cucumber; broccoli; garlic; onion; bread; croissant; pretzel; bagel; pancakes;
waffle; bacon; hamburger; pizza; hot dog; sandwich; taco; egg; popcorn; sushi; ice cream; cookie; birthday cake;
cupcake; pie; candy; teapot; wine glass; beer mug; house; castle; church; tent; bus; ambulance; taxi; tractor;
motorcycle; bicycle; skateboard; roller skate; anchor; sailboat; airplane; rocket; hourglass done; watch; alarm clock;
crescent moon; sun; cloud; rainbow; snowflake; snowman; fire; droplet; trophy; soccer ball; baseball; basketball;
tennis; boxing glove; kite; bullseye; pool 8 ball; game die; teddy bear; yarn; glasses; sunglasses; necktie; jeans;
socks; backpack; crown; top hat; military helmet; lipstick; ring; gem stone; bell; headphone; guitar; trumpet; drum;
saxophone; telephone; laptop; television; camera; light bulb; candle; envelope; pencil; scissors; key; hammer; axe;
bomb; shield; gear; magnet; microscope; syringe; door; toilet; broom; curling stone
""".replace("\n", " ").split(";")
)

HELD_OUT_GLYPHS: tuple[str, ...] = (
    "owl", "octopus", "elephant", "lion", "strawberry", "doughnut", "violin", "helicopter", "turtle", "lollipop",
)  # fmt: skip

# Glyph label -> (noun, grammatical gender) in English, German, French and Russian.
COLOURABLE: dict[str, dict[str, tuple[str, str]]] = {
    "red heart": {"en": ("heart", ""), "de": ("Herz", "n"), "fr": ("cœur", "m"), "ru": ("сердце", "n")},
    "red apple": {"en": ("apple", ""), "de": ("Apfel", "m"), "fr": ("pomme", "f"), "ru": ("яблоко", "n")},
    "automobile": {"en": ("car", ""), "de": ("Auto", "n"), "fr": ("voiture", "f"), "ru": ("машина", "f")},
    "balloon": {"en": ("balloon", ""), "de": ("Ballon", "m"), "fr": ("ballon", "m"), "ru": ("шарик", "m")},
    "t-shirt": {"en": ("shirt", ""), "de": ("Hemd", "n"), "fr": ("chemise", "f"), "ru": ("рубашка", "f")},
    "dress": {"en": ("dress", ""), "de": ("Kleid", "n"), "fr": ("robe", "f"), "ru": ("платье", "n")},
    "umbrella": {"en": ("umbrella", ""), "de": ("Schirm", "m"), "fr": ("parapluie", "m"), "ru": ("зонт", "m")},
    "star": {"en": ("star", ""), "de": ("Stern", "m"), "fr": ("étoile", "f"), "ru": ("звезда", "f")},
    "tulip": {"en": ("tulip", ""), "de": ("Tulpe", "f"), "fr": ("tulipe", "f"), "ru": ("тюльпан", "m")},
    "closed book": {"en": ("book", ""), "de": ("Buch", "n"), "fr": ("livre", "m"), "ru": ("книга", "f")},
    "fish": {"en": ("fish", ""), "de": ("Fisch", "m"), "fr": ("poisson", "m"), "ru": ("рыба", "f")},
    "handbag": {"en": ("bag", ""), "de": ("Tasche", "f"), "fr": ("sac", "m"), "ru": ("сумка", "f")},
    "butterfly": {"en": ("butterfly", ""), "de": ("Falter", "m"), "fr": ("papillon", "m"), "ru": ("бабочка", "f")},
    "woman’s boot": {"en": ("boot", ""), "de": ("Stiefel", "m"), "fr": ("botte", "f"), "ru": ("сапог", "m")},
}

# Colour -> (hue in degrees, saturation factor, value factor) of the recolouring.
GLYPH_COLOURS: dict[str, tuple[float, float, float]] = {
    "red": (2, 1.0, 0.95), "orange": (27, 1.0, 1.0), "yellow": (50, 1.0, 1.0), "green": (125, 0.9, 0.8),
    "blue": (218, 1.0, 0.95), "purple": (278, 0.85, 0.8), "pink": (330, 0.5, 1.0),
}  # fmt: skip

HELD_OUT_COMBINATIONS: tuple[tuple[str, str], ...] = (
    ("green", "red heart"), ("blue", "red apple"), ("purple", "automobile"), ("orange", "umbrella"),
    ("blue", "tulip"), ("green", "star"), ("pink", "fish"), ("yellow", "closed book"),
)  # fmt: skip

BACKGROUNDS: dict[str, tuple[int, int, int]] = {
    "white": (255, 255, 255), "gray": (150, 150, 150), "black": (20, 20, 20), "red": (215, 40, 40),
    "orange": (245, 145, 40), "yellow": (250, 225, 70), "green": (60, 170, 75), "blue": (50, 100, 220),
    "purple": (140, 70, 185),
}  # fmt: skip

# Adjectives by gender; the background phrase is a whole, since it is declined.
ADJECTIVES: dict[str, dict[str, dict[str, str]]] = {
    "de": {
        "red": {"m": "roter", "f": "rote", "n": "rotes"}, "orange": {"m": "oranger", "f": "orange", "n": "oranges"},
        "yellow": {"m": "gelber", "f": "gelbe", "n": "gelbes"}, "green": {"m": "grüner", "f": "grüne", "n": "grünes"},
        "blue": {"m": "blauer", "f": "blaue", "n": "blaues"}, "purple": {"m": "lila", "f": "lila", "n": "lila"},
        "pink": {"m": "rosa", "f": "rosa", "n": "rosa"},
    },
    "fr": {
        "red": {"m": "rouge", "f": "rouge"}, "orange": {"m": "orange", "f": "orange"},
        "yellow": {"m": "jaune", "f": "jaune"}, "green": {"m": "vert", "f": "verte"},
        "blue": {"m": "bleu", "f": "bleue"}, "purple": {"m": "violet", "f": "violette"},
        "pink": {"m": "rose", "f": "rose"},
    },
    "ru": {
        "red": {"m": "красный", "f": "красная", "n": "красное"},
        "orange": {"m": "оранжевый", "f": "оранжевая", "n": "оранжевое"},
        "yellow": {"m": "жёлтый", "f": "жёлтая", "n": "жёлтое"},
        "green": {"m": "зелёный", "f": "зелёная", "n": "зелёное"}, "blue": {"m": "синий", "f": "синяя", "n": "синее"},
        "purple": {"m": "фиолетовый", "f": "фиолетовая", "n": "фиолетовое"},
        "pink": {"m": "розовый", "f": "розовая", "n": "розовое"},
    },
}  # fmt: skip

BACKGROUND_PHRASES: dict[str, dict[str, str]] = {
    "en": {name: f"on a {name} background" for name in BACKGROUNDS},
    "de": {
        name: f"auf {adjective} Hintergrund"
        for name, adjective in zip(
            BACKGROUNDS,
            ("weißem", "grauem", "schwarzem", "rotem", "orangem", "gelbem", "grünem", "blauem", "lila"),
            strict=True,
        )
    },
    "fr": {
        name: f"sur fond {adjective}"
        for name, adjective in zip(
            BACKGROUNDS,
            ("blanc", "gris", "noir", "rouge", "orange", "jaune", "vert", "bleu", "violet"),
            strict=True,
        )
    },
    "ru": {
        name: f"на {adjective} фоне"
        for name, adjective in zip(
            BACKGROUNDS,
            ("белом", "сером", "чёрном", "красном", "оранжевом", "жёлтом", "зелёном", "синем", "фиолетовом"),
            strict=True,
        )
    },
}

# The first template is the bare phrase. English ones include the object templates of textual inversion.
TEMPLATES: dict[str, tuple[str, ...]] = {
    "en": (
        "{}", "a photo of a {}", "a photo of a {}", "a picture of a {}", "a rendering of a {}", "a drawing of a {}",
        "a photo of the {}", "a cropped photo of the {}", "a close-up photo of a {}", "a bright photo of the {}",
        "a photo of a clean {}", "a photo of one {}", "a good photo of the {}", "a painting of a {}",
        "the photo of a {}", "a rendition of the {}", "a photo of a nice {}", "a photo of a cool {}",
        "a dark photo of the {}", "a photo of my {}", "a photo of a small {}", "a photo of the large {}",
        "a photo of a weird {}", "a photo of a dirty {}", "a close-up photo of the {}",
        "a cropped photo of a {}", "Professional high-quality art of a {}. photorealistic, 4k, HQ",
    ),
    "de": ("{}", "Foto: {}", "ein Foto, {}", "Zeichnung: {}", "ein Bild, {}"),
    "fr": ("{}", "photo : {}", "une photo de {}", "dessin : {}", "une image de {}"),
    "ru": ("{}", "фото: {}", "картинка, {}", "рисунок: {}", "изображение, {}"),
}  # fmt: skip

# emojibase's subgroup -> the broad English word that captions sometimes use instead of the label.
CATEGORIES: dict[int, str] = {
    34: "animal", 35: "bird", 37: "reptile", 38: "sea animal", 39: "insect", 40: "flower", 41: "plant", 42: "fruit",
    43: "vegetable", 44: "food", 45: "food", 46: "dessert", 47: "drink", 51: "building", 52: "building", 54: "vehicle",
    55: "boat", 56: "aircraft", 62: "toy", 63: "toy", 65: "clothes", 68: "instrument", 78: "tool",
}  # fmt: skip

# Never rendered: flags, skin tones and components by group; near-duplicates and held-out look-alikes by label.
EXCLUDED_GROUPS = (2, 9)
EXCLUDED_SUBGROUPS = (24, 25, 26, 27, 28, 29, 30, 95)
EXCLUDED_WORDS = ("o’clock", "thirty", "heart", "family", "keycap", "green book", "blue book", "orange book", "apple")
