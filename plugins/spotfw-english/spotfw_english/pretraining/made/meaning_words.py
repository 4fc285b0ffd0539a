"""Words of opposite and of like meaning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_OPPOSITES = """
good bad|large small|big little|high low|higher lower|more less|most least|many few|first last|
early late|old new|north south|east west|northern southern|eastern western|before after|
above below|increase decrease|increased decreased|rise fall|rose fell|open closed|win lose|
won lost|success failure|always never|best worst|better worse|up down|begin end|began ended|
male female|man woman|men women|boy girl|father mother|brother sister|husband wife|son daughter|
king queen|hot cold|hard soft|strong weak|rich poor|long short|longer shorter|left right|
inside outside|easy difficult|light dark|day night|summer winter|public private|accept reject|
allow forbid|allowed refused|agree disagree|agreed disagreed|love hate|loved hated|born killed|
possible impossible|able unable|same different|safe dangerous|true false|buy sell|bought sold|
include exclude|included excluded|major minor|positive negative|support oppose|supported opposed|
legal illegal|full empty|deep shallow|fast slow|wide narrow|all none|everyone nobody|
everything nothing|common rare|simple complex|modern ancient|upper lower|start stop|
started stopped|join leave|friend enemy|peace war|often rarely|with without|largest smallest|
oldest youngest|married divorced|black white|alive dead|healthy sick|happy sad|present absent
"""

_ALIKE = """
said stated told|large big huge|small little|about approximately around roughly|
began started commenced|ended finished|many numerous|important significant major|help assist aid|
show demonstrate reveal|showed demonstrated revealed|also additionally too|but however yet|
because since as|quickly rapidly fast|often frequently|usually generally typically|buy purchase|
bought purchased|get obtain receive|got obtained received|use employ utilize|
used employed utilized|make produce create|made produced created|need require|needs requires|
needed required|live reside|lived resided|died passed|near close|near beside|whole entire|
main principal chief|many several|city town|house home|car automobile|people persons individuals|
children kids|country nation|war conflict|film movie picture|doctor physician|illness disease|
job work|boss leader head|road street|begin start|build construct|built constructed|choose select|
chose selected|think believe|thinks believes|thought believed|happy glad pleased|sad unhappy|
angry mad furious|beautiful lovely pretty|hard difficult|easy simple|rich wealthy|
famous well-known|strange odd unusual|very extremely highly|almost nearly|only just merely|
perhaps maybe possibly|although though|while whereas|if whether|every each|answer reply|
answered replied|ask inquire|asked inquired|tried attempted|try attempt|called named|known called|
wanted wished|want wish|received got|gave provided|give provide|gives provides|said announced|
says states|kill murder|killed murdered|bad poor|good fine|great excellent|old aged|new recent|
end conclusion|part portion|group team|kind type sort|money funds cash|firm company business|
fell dropped declined|rose increased climbed|fall drop decline|rise increase climb|leave depart|
left departed|arrive come|arrived came|near nearby|main primary|first initial|final last|
total overall|allow permit let|allows permits lets|allowed permitted let|includes contains|
include contain|included contained|prevent stop|keep maintain|kept maintained|became turned|
seem appear|seems appears|seemed appeared|until till|within inside|among amongst|toward towards|
whose their|like similar|noise sound|sea ocean|forest woods|ill sick|speak talk|spoke talked|
shout yell|shouted yelled|watch observe|saw noticed|happened occurred|happen occur|
start beginning|error mistake|quiet silent|smart clever intelligent|sure certain|
enough sufficient|correct right|wrong incorrect|attack assault|area region|student pupil|
teacher instructor|present gift|story tale|trip journey
"""


def _groups(text: str) -> list[list[str]]:
    return [group.split() for group in text.replace("\n", "|").split("|") if group.strip()]


def _opposites() -> dict[str, str]:
    opposites: dict[str, str] = {}
    for first, second in _groups(_OPPOSITES):
        opposites.setdefault(first, second)
        opposites.setdefault(second, first)
    return opposites


def _alike() -> dict[str, list[str]]:
    alike: dict[str, set[str]] = {}
    for group in _groups(_ALIKE):
        for word in group:
            alike.setdefault(word, set()).update(other for other in group if other != word)
    return {word: sorted(others) for word, others in alike.items()}


#: By word, its opposite.
OPPOSITE: Mapping[str, str] = _opposites()
#: By word, others that often mean the same.
ALIKE: Mapping[str, Sequence[str]] = _alike()
