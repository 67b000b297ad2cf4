"""Cut Noto Sans SC down to the characters that the demonstration forms need.

    python sql/seeds/fonts/subset_font.py NotoSansSC_400Regular.ttf [TEXT_FILE …]

Kept: ASCII, Latin-1 punctuation, Chinese punctuation and full-width forms, the
3,755 characters of GB 2312 level 1, everything in the seed files beside this
folder, and everything in the text files named. Hinting and layout tables are
dropped: the forms are laid out by us and read at print size. Needs fonttools.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

HERE = Path(__file__).parent
TARGET = HERE / "NotoSansSC-Regular-subset.ttf"
PUNCTUATION = "　、。〃〈〉《》「」『』【】〔〕〓〇—–―‖…‘’“”•·×÷±°℃§№①②③④⑤⑥⑦⑧⑨⑩□■○●◎☐☑☒√→←↑↓￥¥"
# The modification time is fixed, so that the same source gives the same bytes.
MODIFIED_SECONDS_SINCE_1904 = 0


def level_one() -> set[str]:
    """The 3,755 frequent characters of GB 2312: rows 16 to 55."""
    cells = (bytes((lead, trail)) for lead in range(0xB0, 0xD8) for trail in range(0xA1, 0xFF))
    return set("".join(cell.decode("gb2312", "ignore") for cell in cells))


def wanted_characters(texts: list[Path]) -> set[str]:
    """Every character to keep; unreadable bytes in a text are skipped."""
    wanted = level_one() | set(PUNCTUATION)
    wanted |= {chr(code) for code in (*range(0x20, 0x7F), *range(0xFF01, 0xFF5F))}
    seeds = [path for path in HERE.parent.rglob("*") if path.suffix in {".csv", ".json", ".jsonl"}]
    for path in (*seeds, *texts):
        wanted |= set(path.read_text("utf-8", "ignore"))
    return wanted


def main(arguments: list[str]) -> None:
    """Write the subset beside this script and say how large it is."""
    font = TTFont(arguments[0], recalcTimestamp=False)
    options = subset.Options(hinting=False, layout_features=[], notdef_outline=True)
    options.drop_tables += ["GSUB", "GPOS", "GDEF", "vhea", "vmtx", "BASE", "VORG", "STAT"]
    cutter = subset.Subsetter(options)
    wanted = wanted_characters([Path(name) for name in arguments[1:]])
    cutter.populate(text="".join(sorted(wanted)))
    cutter.subset(font)
    font["head"].modified = MODIFIED_SECONDS_SINCE_1904
    font.save(TARGET)
    print(f"{TARGET.name}: {len(font.getBestCmap())} characters, {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
