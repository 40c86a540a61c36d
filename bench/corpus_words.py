"""Words of five languages by chance: common ones as they are, rare ones made of syllables, as often as Zipf says."""

from dataclasses import dataclass

import numpy as np

VOCABULARY = 40_000
_COMMON = {
    "en": (
        "the of and to in is you that it for on are with as this be at have from or one by word but not what all were "
        "we when your can said there use an each which she do how their if will up other about out many then them "
        "these so some her would make like him into time has look two more write go see number no way could people "
        "my than first water been call who oil its now find long down day did get come made may part function server "
        "model error token memory value string return test index query list file cache thread prompt answer context"
    ),
    "de": (
        "der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch es an werden aus er hat "
        "dass sie nach wird bei einer um am sind noch wie einem über einen so zum war haben nur oder aber vor zur bis "
        "mehr durch man sein wurde sei können über größer schön Straße Fehler Speicher Anfrage Antwort Modell Wert "
        "Datei Liste Prüfung Schlüssel Übersetzung Gerät Zeit Jahr Weg Frage Möglichkeit ändern löschen öffnen"
    ),
    "fr": (
        "de la le et les des en un du une que est pour qui dans a par plus pas au sur ne se Le ce il sont La Les ou "
        "avec son Il aux été Un même cette on ses mais comme à était tout nous sa fait ainsi très où modèle réponse "
        "mémoire fichier requête erreur élève première déjà après être façon garçon hôtel naïve œuvre leçon âge "
        "sûr théorème problème système français données clé début côté peut deux entre bien encore aussi leur"
    ),
}
_BEGINNINGS = {
    "en": "b c d f g h l m n p r s t v w st tr sh ch pl",
    "de": "b d f g h k l m n r s t w z sch st br kl pf gr",
    "fr": "b c d f g l m n p qu r s t v ch pr tr bl j cr",
}
_VOWELS = {"en": "a e i o u ea", "de": "a e i o u ei ä ö ü", "fr": "a e i o u ou é è"}
_ENDINGS = {
    "en": ["", "", "n", "r", "s", "l", "t", "ng"],
    "de": ["", "n", "r", "s", "t", "l"],
    "fr": ["", "", "n", "r", "s"],
}
_HIRAGANA = [chr(point) for point in range(0x3042, 0x3094)]
_KATAKANA = [chr(point) for point in range(0x30A2, 0x30F4)]


@dataclass(frozen=True, slots=True)
class Language:
    """A language to write in.

    Attributes:
        name: en, de, fr, zh or ja.
        words: The most common first.
        joint: What stands between two words.
        stop: What ends a sentence.
    """

    name: str
    words: tuple[str, ...]
    joint: str
    stop: str


def languages(random: np.random.Generator, vocabulary: int = VOCABULARY) -> tuple[Language, ...]:
    """Return the five languages with their vocabularies."""
    spaced = [Language(name, _spaced_words(random, name, vocabulary), " ", ". ") for name in ("en", "de", "fr")]
    han = [chr(0x4E00 + int(point)) for point in random.permutation(6_000)]
    chinese = _joined_words(random, han, (1, 2, 2, 2, 3), vocabulary)
    japanese = [*_HIRAGANA, *_joined_words(random, [*han[:2_500], *_KATAKANA], (1, 2, 2, 3, 4), vocabulary)]
    return (*spaced, Language("zh", chinese, "", "。"), Language("ja", tuple(japanese[:vocabulary]), "", "。"))


def ranks(random: np.random.Generator, count: int, vocabulary: int = VOCABULARY) -> np.ndarray:
    """Return that many ranks of words (0 is the most common), by Zipf's law with the usual flattening at the top."""
    weights = 1.0 / (np.arange(vocabulary) + 2.7)
    edges = np.cumsum(weights / weights.sum())
    return np.minimum(np.searchsorted(edges, random.random(count)), vocabulary - 1)


def _spaced_words(random: np.random.Generator, language: str, vocabulary: int) -> tuple[str, ...]:
    """Return common words, then made ones of one to three syllables."""
    syllables = [
        begin + vowel + end
        for begin in _BEGINNINGS[language].split()
        for vowel in _VOWELS[language].split()
        for end in _ENDINGS[language]
    ]
    words = dict.fromkeys(_COMMON[language].split())
    while len(words) < vocabulary:
        picked = random.integers(len(syllables), size=(1, 2, 2, 2, 3)[int(random.integers(5))])
        words["".join(syllables[each] for each in picked)] = None
    return tuple(words)


def _joined_words(
    random: np.random.Generator, characters: list[str], lengths: tuple[int, ...], vocabulary: int
) -> tuple[str, ...]:
    """Return words of a script without spaces; common characters are in many of them."""
    words: dict[str, None] = {}
    while len(words) < vocabulary:
        length = lengths[int(random.integers(len(lengths)))]
        words["".join(characters[each] for each in ranks(random, length, len(characters)))] = None
    return tuple(words)
