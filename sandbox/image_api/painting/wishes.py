"""What a prompt asks for, read from its words: a scene, figures in it, a mood and colours."""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

#: Words in seven languages, as the bot speaks them. Latin ones match whole words and their plurals,
#: others anywhere in the text.
_SCENES: Mapping[str, str] = {
    "sea": "sea ocean beach wave coast shore harbour harbor island lighthouse boat ship sail sailboat bay meer strand "
    "leuchtturm schiff boot mer plage phare bateau mar playa faro barco praia farol 海 灯台 船 灯塔",
    "forest": "forest wood woods tree jungle pine bamboo wald baum foret arbre bosque arbol floresta arvore 森 木 林",
    "city": "city street skyline tokyo paris london berlin york town building skyscraper cyberpunk metropolis stadt "
    "ville ciudad cidade 街 都市 城市",
    "space": "space galaxy planet cosmos nebula star astronaut rocket universe saturn mars weltraum weltall espace "
    "espacio espaco 宇宙 星 太空",
    "garden": "flower rose garden tulip sunflower bouquet blossom lotus petal blume garten fleur jardin flor "
    "jardim 花 庭",
    "portrait of a man": "man boy king warrior wizard mann homme hombre homem 男性",
    "portrait": "portrait woman girl person face queen princess lady portraet frau femme mujer mulher retrato "
    "人物 女性 肖像",
    "ribbons": "abstract pattern music flow dream wallpaper logo silk fabric ribbon wave energy abstrakt abstrait "
    "abstracto abstrato 抽象",
    "mountains": "mountain hill valley alps peak landscape canyon volcano desert dune meadow field berg "
    "landschaft montagne paysage montana paisaje montanha paisagem 山 風景 风景",
    "lake": "lake river pond fjord reflection see fluss lac riviere lago rio 湖 川 河",
}
_FIGURES: Mapping[str, str] = {
    "fox": "fox vixen fuchs renard zorro raposa 狐 キツネ 狐狸",
    "cat": "cat kitten kitty katze chat gato gata 猫 ネコ",
    "dog": "dog puppy corgi hund chien perro cachorro 犬 狗",
    "wolf": "wolf loup lobo husky 狼",
    "rabbit": "rabbit bunny hare hase kaninchen lapin conejo coelho 兎 ウサギ 兔",
    "bear": "bear panda baer ours oso urso 熊",
    "owl": "owl eule hibou buho coruja 梟 フクロウ 猫头鹰",
    "lighthouse": "lighthouse leuchtturm phare faro farol 灯台 灯塔",
    "boat": "boat ship sail sailboat yacht schiff boot bateau voilier barco 船",
    "castle": "castle palace fortress tower schloss burg chateau castillo castelo 城",
    "house": "house cabin cottage hut barn home haus huette maison cabane casa 家 小屋 房子",
    "balloon": "balloon airship ballon globo balao 気球 气球",
    "birds": "bird eagle seagull crow crane swallow vogel voegel oiseau pajaro passaro 鳥 鸟",
    "rocket": "rocket spaceship astronaut rakete fusee cohete foguete ロケット 火箭",
}
#: Times of day and weather; they decide the sky.
_SKIES: Mapping[str, str] = {
    "neon": "neon cyberpunk synthwave vaporwave retrowave",
    "night": "night midnight moon moonlight moonlit starry dark nacht mond nuit lune noche luna noite lua 夜 月",
    "dusk": "dusk sunset evening twilight abend daemmerung dammerung sonnenuntergang crepuscule soir atardecer "
    "anochecer crepusculo 夕 黄昏 夕焼け",
    "dawn": "dawn sunrise morning morgen sonnenaufgang aube matin amanecer aurora amanhecer 朝 日出",
    "mist": "mist misty fog foggy haze hazy nebel brume brouillard niebla neblina 霧 雾",
    "storm": "storm thunder rain rainy lightning tempest sturm gewitter regen orage pluie tormenta lluvia chuva 嵐 雨",
    "day": "day noon summer sunny sommer tag ete jour verano dia verao 昼 夏",
    "paper": "ink sketch minimal minimalist minimalistic zen watercolor watercolour tusche encre tinta 墨 水墨",
}
#: Seasons and climates; they decide the land, and the sky too where no other is named.
_LANDS: Mapping[str, str] = {
    "winter": "winter snow snowy snowfall ice frost frozen christmas schnee neige hiver nieve invierno neve "
    "inverno 雪 冬",
    "autumn": "autumn fall october herbst automne otono outono 秋",
    "spring": "spring april cherry sakura fruehling fruhling printemps primavera 春 桜",
    "desert": "desert dune sahara sand canyon wueste wuste desierto deserto 砂漠 沙漠",
}
_COLORS: Mapping[str, str] = {
    "red": "red crimson scarlet ruby rot rouge rojo vermelho 赤 红",
    "orange": "orange amber laranja naranja",
    "yellow": "yellow sunflower gelb jaune amarillo amarelo 黄",
    "gold": "gold golden dorado dourado dore 金",
    "green": "green gruen grun vert verde 緑 绿",
    "emerald": "emerald jade",
    "teal": "teal",
    "turquoise": "turquoise cyan aqua tuerkis",
    "blue": "blue azure indigo sapphire cobalt blau bleu azul 青 蓝",
    "purple": "purple lila morado roxo 紫",
    "violet": "violet lavender lilac violett",
    "pink": "pink magenta rosa 桃色 粉",
    "brown": "brown copper bronze rust braun",
    "black": "black schwarz noir negro preto 黒 黑",
    "white": "white weiss blanc blanco branco 白",
    "grey": "grey gray silver grau gris cinza 灰",
}
_ADJECTIVE_REACH = 10  # letters
_WORD = re.compile(r"[a-z]+")
#: Scenes for prompts that name none: landscapes twice, since they suit most words.
_ANYTHING = ("mountains", "mountains", "sea", "forest", "ribbons")
_SPECIAL = {"mountains": "lake", "portrait": "portrait of a man"}
_ON_LAND = frozenset({"fox", "cat", "dog", "wolf", "rabbit", "bear", "owl", "castle", "house"})


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is to be painted. `sky` and `land` are None where the prompt leaves them open.

    `coat` is the colour of the first figure where the prompt names one right before it.
    """

    scene: str
    figures: tuple[str, ...]
    sky: str | None
    land: str | None
    colors: tuple[str, ...]
    coat: str | None = None


def read_wishes(prompt: str, rng: random.Random) -> Wishes:
    """Read a prompt; the dice decide what it leaves open."""
    plain = _plain(prompt)
    figures = _found(_FIGURES, plain)
    names = [name for name, _ in figures]
    scenes = [scene for scene, _ in _found(_SCENES, plain)]
    for general, special in _SPECIAL.items():  # "mountains above a lake", "portrait of a man"
        if scenes[:2] == [general, special]:
            scenes = [special]
    if not scenes:
        scenes = ["mountains" if _ON_LAND & set(names) else rng.choice(_ANYTHING)]
    colors = _found(_COLORS, plain)
    coat = _color_before(colors, figures[0][1]) if figures else None
    return Wishes(
        scene=scenes[0],
        figures=tuple(names[:2]),
        sky=next((name for name, _ in _found(_SKIES, plain)), None),
        land=next((name for name, _ in _found(_LANDS, plain)), None),
        colors=tuple(name for name, _ in colors if name != coat),
        coat=coat,
    )


def _plain(prompt: str) -> str:
    """Lower case without accents, so that one spelling of each word suffices."""
    parts = unicodedata.normalize("NFKD", prompt.casefold())
    return "".join(part for part in parts if not unicodedata.combining(part))


def _found(table: Mapping[str, str], plain: str) -> list[tuple[str, int]]:
    """The names whose spellings stand in the text, each with the place of the first, in the text's order."""
    places = _places(plain)
    found: list[tuple[str, int]] = []
    for name, spellings in table.items():
        hits = [_place(spelling, plain, places) for spelling in spellings.split()]
        if first := [hit for hit in hits if hit >= 0]:
            found.append((name, min(first)))
    return sorted(found, key=lambda hit: hit[1])


def _places(plain: str) -> Mapping[str, int]:
    """Where each Latin word begins, under its plain and its singular form."""
    places: dict[str, int] = {}
    for match in _WORD.finditer(plain):
        for ending in ("", "s", "es", "y"):
            places.setdefault(match[0].removesuffix(ending), match.start())
    return places


def _place(spelling: str, plain: str, places: Mapping[str, int]) -> int:
    return places.get(spelling, -1) if spelling.isascii() else plain.find(_plain(spelling))


def _color_before(colors: Sequence[tuple[str, int]], figure: int) -> str | None:
    """The colour that stands at most one short word before a figure."""
    near = [name for name, place in colors if 0 < figure - place <= _ADJECTIVE_REACH]
    return near[-1] if near else None
