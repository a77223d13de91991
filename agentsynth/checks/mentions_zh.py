"""Chinese: numerals, dates, times of day, units and money, and what stands beside a value.

A numeral of one character counts only before a measure word (三个) or at the end of a phrase: 一
and 两 and 十 stand in too many other words. Weekdays count where the week is named (本周三 and
下周三), a day of the month alone (5号) where nothing follows that could make it a house number.
"""

import re
from datetime import date, timedelta
from decimal import Decimal

from agentsynth.checks.forms import (
    Clock,
    Day,
    Forms,
    Measure,
    Numeral,
    Style,
    lowered,
    measure_pattern,
    nearest_day,
    valid_day,
)

__all__ = ["CHINESE"]

_WIDE = {0xFF01 + n: chr(0x21 + n) for n in range(94)} | {
    0x3000: " ",
    ord("￥"): "¥",
    ord("−"): "-",
}
_HAS_WIDE = re.compile("[\uff01-\uff5e\u3000￥−]")


def _prepare(text: str) -> str:
    """Return the text in lower case, full-width characters as ordinary ones, each in its place."""
    return lowered(text.translate(_WIDE) if _HAS_WIDE.search(text) else text)


# -- numbers ---------------------------------------------------------------------------------------

_DIGITS = {char: n for n, char in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_SCALES = {"十": 10, "百": 100, "千": 1000, "万": 10_000, "亿": 100_000_000}
_NUMERAL_CHARS = "零〇一二两三四五六七八九十百千万亿"
_MEASURE_WORDS = (
    "个块条件位人名本张把次天周月年日号户家间套份只台辆座株棵盆袋箱瓶杯盒排种项笔单岁米克公千斤升"
    "度元角毛美欧英小钟点时秒层楼片门场段分厘毫摄港人平成倍折根支艘双对副组批届回趟盏扇幅颗粒滴"
)
_RUN = re.compile(
    rf"(?<![第周期拜初每{_NUMERAL_CHARS}])[{_NUMERAL_CHARS}]+(?:点[零〇一二三四五六七八九]+)?"
)
_NOT_NUMBERS = re.compile(
    r"十分(?!钟|之)|一一|万一|三三两两|千万(?!元|人)|一些|一下|一点(?![零〇一二三四五六七八九])"
)
_ENDS = re.compile(
    rf"(?=$|[\s,.;:!?，。；：！？、)）】」]|[{_MEASURE_WORDS}]|(?:到|至|或者?|还是)[\d{_NUMERAL_CHARS}])"
)
_SCALED = re.compile(r"(?<![a-z0-9.])(\d[\d,]*(?:\.\d+)?)([百千万亿])(?:(\d+)([百千]))?")
_HALF = re.compile(r"(?<![\d一二两三四五六七八九十个点])半(?=个?小时|个?钟头|公斤|斤|升|米|天)")
_NONE = re.compile(rf"没有(?!问题|关系|必要|错|[\d{_NUMERAL_CHARS}])")
_NO = "没有"
_PERCENT = re.compile(rf"百分之(\d+(?:\.\d+)?|[{_NUMERAL_CHARS}]+(?:点[零〇一二三四五六七八九]+)?)")


def read_numeral(text: str) -> Decimal | None:
    """Return the value of a Chinese numeral such as 一百零五, 二〇二七 or 三点五; None = none."""
    whole, _, fraction = text.partition("点")
    if all(char in _DIGITS for char in whole):
        value = int("".join(str(_DIGITS[char]) for char in whole) or "0")
        if len(whole) == 1 or not fraction:
            return _with_fraction(value, fraction)
    total = section = digit = 0
    last = 10**9
    for char in whole:
        if char in _DIGITS:
            digit = _DIGITS[char]
            last = 1 if char in "零〇" else last
            continue
        scale = _SCALES[char]
        if scale >= 10_000:
            total = (total + section + digit) * scale
            section, digit, last = 0, 0, scale
        else:
            section += (digit or 1) * scale
            digit, last = 0, scale
    if digit and 10 < last < 10**9:
        digit *= last // 10  # 三百五 is 350
    return _with_fraction(total + section + digit, fraction)


def _with_fraction(value: int, fraction: str) -> Decimal:
    digits = "".join(str(_DIGITS[char]) for char in fraction)
    return Decimal(f"{value}.{digits}") if digits else Decimal(value)


def _numerals(text: str) -> list[Numeral]:
    found = [one for match in _RUN.finditer(text) if (one := _spoken(text, match)) is not None]
    for match in _SCALED.finditer(text):
        value = Decimal(match[1].replace(",", "")) * _SCALES[match[2]]
        if match[3]:
            value += int(match[3]) * _SCALES[match[4]]
        found.append(Numeral(match.start(), match.end(), value))
    for cue, pattern, value in ((_NO, _NONE, Decimal(0)), ("半", _HALF, Decimal("0.5"))):
        if cue in text:
            found += [
                Numeral(m.start(), m.end(), value, worded=True) for m in pattern.finditer(text)
            ]
    if "百分之" in text:
        found += [_percent(match) for match in _PERCENT.finditer(text)]
    return found


def _spoken(text: str, match: re.Match[str]) -> Numeral | None:
    """Return a run of numeral characters as a number; None where it is part of another word."""
    run = match[0]
    if run[0] in "百千万亿" or _NOT_NUMBERS.match(text, match.start()):
        return None
    if len(run) == 1 and not _ENDS.match(text, match.end()):
        return None
    if text.startswith(("分之", "月"), match.end()):
        return None  # a percentage, or the month of a date; 三个月 has its measure word before
    value = read_numeral(run)
    return None if value is None else Numeral(match.start(), match.end(), value, worded=True)


def _percent(match: re.Match[str]) -> Numeral:
    spoken = match[1]
    value = Decimal(spoken) if spoken[0].isdigit() else read_numeral(spoken)
    return Numeral(match.start(), match.end(), value or Decimal(0), worded=True)


# -- units and money -------------------------------------------------------------------------------

_K, _HOUR = Decimal(1000), Decimal(3600)
_YUAN = Measure("CNY", money=True)
_JIAO, _FEN = (
    Measure("", Decimal("0.1"), money=True),
    Measure("", Decimal("0.01"), money=True),
)
_MEASURES: dict[str, Measure] = {
    "毫克": Measure("g", Decimal("0.001")), "克": Measure("g"), "公斤": Measure("g", _K),
    "千克": Measure("g", _K), "斤": Measure("g", Decimal(500)), "吨": Measure("g", _K * _K),
    "毫米": Measure("m", Decimal("0.001")), "厘米": Measure("m", Decimal("0.01")),
    "公分": Measure("m", Decimal("0.01")), "米": Measure("m"), "公里": Measure("m", _K),
    "千米": Measure("m", _K),
    "秒": Measure("s"), "秒钟": Measure("s"), "分钟": Measure("s", Decimal(60)),
    "小时": Measure("s", _HOUR), "个小时": Measure("s", _HOUR), "个钟头": Measure("s", _HOUR),
    "钟头": Measure("s", _HOUR), "天": Measure("s", Decimal(86400)),
    "周": Measure("s", Decimal(604800)), "个星期": Measure("s", Decimal(604800)),
    "个礼拜": Measure("s", Decimal(604800)),
    "毫升": Measure("l", Decimal("0.001")), "升": Measure("l"), "公升": Measure("l"),
    "瓦时": Measure("Wh"), "千瓦时": Measure("Wh", _K), "千瓦小时": Measure("Wh", _K),
    "度电": Measure("Wh", _K),
    "摄氏度": Measure("°C"), "度": Measure("°C"),
    "元": _YUAN, "块钱": _YUAN, "块": _YUAN, "元钱": _YUAN, "圆": _YUAN, "元人民币": _YUAN,
    "美元": Measure("USD", money=True), "美金": Measure("USD", money=True),
    "欧元": Measure("EUR", money=True), "英镑": Measure("GBP", money=True),
    "角": _JIAO, "毛": _JIAO, "毛钱": _JIAO,
    "分": Measure("分", Decimal("0.01")), "分钱": _FEN, "美分": _FEN, "欧分": _FEN, "便士": _FEN,
}  # fmt: skip

_YUAN_COLLOQUIAL = r"块(?=$|[\d一二两三四五六七八九半\s,.;:!?，。；：！？、)）吧吗呢啊左])"
"""三块 is money, 三块地 is land."""
_SIGN = r"(?:人民币|us\$|[$€£¥])?\s?$"
_MEASURED = rf"[{_MEASURE_WORDS}]?\s?"
_STYLE = Style(
    denied=re.compile(
        rf"(?:不是|并非|并不是|而不是|而非|不为|不会是|没有|不在|不需要|不用)(?:在)?\s?{_SIGN}"
    ),
    about_before=re.compile(
        rf"(?:大约|大概|约|约为|差不多|将近|接近|近|几乎|不到|不足|不止|超过|多于|少于|低于|高于)(?:是|为)?\s?{_SIGN}"
    ),
    about_after=re.compile(r"(?:多|来|余)?(?:个)?(?:左右|上下|以上|以下|多|余)|(?:来|余)"),
    range_gap=re.compile(rf"{_MEASURED}(?:到|至|-|–|—|~)\s?{_SIGN}"),
    between=re.compile(rf"(?:在|介于)\s?{_SIGN}"),
    and_gap=re.compile(rf"\s?[和与]\s?{_SIGN}"),
    from_=re.compile(rf"[从由]\s?{_SIGN}"),
    either_gap=re.compile(rf"{_MEASURED}[,，]?\s?(?:或者?是?|还是|/)\s?{_SIGN}"),
    minor_gap=re.compile(r"\s?零?$"),
)

# -- dates -----------------------------------------------------------------------------------------

_N = r"(?:\d{1,2}|[一二三四五六七八九十]{1,3})"
_LAST = r"(?:日|号|號)"
_FULL_DAY = re.compile(
    rf"(\d{{4}}|[二一][〇零一二三四五六七八九]{{3}})\s?年\s?({_N})\s?月\s?({_N})\s?{_LAST}?"
)
_MONTH_DAY = re.compile(rf"(?<![\d年一二三四五六七八九十])\s?({_N})\s?月\s?({_N})\s?{_LAST}")
_DAY_ONLY = re.compile(
    rf"(?<![\d第月.\-a-z一二三四五六七八九十])({_N}){_LAST}(?=$|[\s,.;:!?，。；：！？、)）]|"
    r"之?前|之?后|以前|以后|上午|下午|早上|晚上|中午|那天|当天|[还归到至开可行吧吗周星])"
)
_RELATIVE = {
    "大前天": -3,
    "前天": -2,
    "昨天": -1,
    "今天": 0,
    "今日": 0,
    "明天": 1,
    "后天": 2,
    "大后天": 3,
}
_RELATIVE_DAY = re.compile("|".join(sorted(_RELATIVE, key=len, reverse=True)))
_WEEKDAY = re.compile(r"(上上|上|这|本|下下|下)(?:个)?(?:周|星期|礼拜)([一二三四五六日天])")
_WEEKS = {"上上": -2, "上": -1, "这": 0, "本": 0, "下": 1, "下下": 2}


def _number(spoken: str) -> int:
    return int(spoken) if spoken.isdigit() else int(read_numeral(spoken) or 0)


def _days(text: str, today: str) -> list[Day]:
    found: list[Day] = []
    if "月" in text:
        for match in _FULL_DAY.finditer(text):
            made = valid_day(*(_number(part) for part in match.groups()))
            if made is not None:
                found.append(Day(match.start(), match.end(), made.isoformat()))
        for match in _MONTH_DAY.finditer(text):
            iso = nearest_day(_number(match[1]), _number(match[2]), today)
            if iso is not None:
                found.append(Day(match.start(), match.end(), iso))
    if "号" in text or "日" in text:
        found += _days_of_the_month(text, today)
    if "天" in text or "周" in text or "期" in text or "礼拜" in text or "今日" in text:
        found += _relative_days(text, today)
    return found


def _days_of_the_month(text: str, today: str) -> list[Day]:
    now = date.fromisoformat(today)
    found: list[Day] = []
    for match in _DAY_ONLY.finditer(text):
        near = [
            valid_day(now.year + (now.month - 1 + by) // 12, (now.month - 1 + by) % 12 + 1, day)
            for by in (-1, 0, 1)
            for day in (_number(match[1]),)
        ]
        real = [made for made in near if made is not None]
        if real:
            best = min(real, key=lambda made: abs((made - now).days))
            found.append(Day(match.start(), match.end(), best.isoformat(), relative=True))
    return found


def _relative_days(text: str, today: str) -> list[Day]:
    now = date.fromisoformat(today)
    found: list[Day] = []
    for match in _RELATIVE_DAY.finditer(text):
        day = now + timedelta(_RELATIVE[match[0]])
        found.append(Day(match.start(), match.end(), day.isoformat(), relative=True))
    for match in _WEEKDAY.finditer(text):
        weekday = "一二三四五六日天".index(match[2]) % 7 if match[2] != "天" else 6
        monday = now - timedelta(now.weekday())
        day = monday + timedelta(7 * _WEEKS[match[1]] + weekday)
        found.append(Day(match.start(), match.end(), day.isoformat(), relative=True))
    return found


# -- times of day ----------------------------------------------------------------------------------

_PART = r"(凌晨|清晨|清早|早上|早晨|上午|中午|下午|傍晚|晚上|晚间|夜里|今晚|今早|明早|明晚)?\s?"
_HOUR_OF_DAY = r"(?<![\d.第])(\d{1,2}|[一二两三四五六七八九十]{1,3})"
_SPOKEN = re.compile(
    rf"{_PART}{_HOUR_OF_DAY}(?:\s?[点點]钟?|时(?!间|候|常))(?:(半)|([一三])刻|(\d{{1,2}}|[零一二三四五六七八九十]{{1,4}})分?(?!之|钟后|钟前)|整)?"
)
_DIGITAL = re.compile(
    rf"{_PART}(?<![\d:.a-su-z_])(\d{{1,2}}):([0-5]\d)(?::\d\d)?(?![\d:])\s?(am|pm|a\.m\.|p\.m\.)?"
)
_NAMED_TIME = re.compile(r"(正午|中午(?!\s?[\d一二两十前后饭]))|(午夜|半夜零点|零点整)")
_LATE = frozenset(("下午", "傍晚", "晚上", "晚间", "夜里", "今晚", "明晚"))
_EARLY = frozenset(("凌晨", "清晨", "清早", "早上", "早晨", "上午", "今早", "明早"))


def _clocks(text: str) -> list[Clock]:
    found: list[Clock] = []
    if ":" in text:
        for match in _DIGITAL.finditer(text):
            half = (match[4] or "")[:1]
            part = {"a": "上午", "p": "下午"}.get(half, match[1] or "")
            found += _clock(match, part, match[2], int(match[3]))
    if "点" in text or "點" in text or "时" in text:
        for match in _SPOKEN.finditer(text):
            if match[3]:
                minute = 30
            elif match[4]:
                minute = 15 if match[4] == "一" else 45
            else:
                minute = _number(match[5]) if match[5] else 0
            found += _clock(match, match[1] or "", match[2], minute)
    found += [Clock(m.start(), m.end(), 720 if m[1] else 0) for m in _NAMED_TIME.finditer(text)]
    return found


def _clock(match: re.Match[str], part: str, spoken: str, minute: int) -> list[Clock]:
    hour = _number(spoken)
    if hour > 24 or minute > 59:
        return []
    if part in _LATE or (part == "中午" and hour < 10):
        if hour == 12 and part not in ("下午", "傍晚"):
            hour = 24  # 晚上十二点 is midnight
        hour = hour + 12 if hour < 12 else hour
    elif part in _EARLY:
        hour %= 12 if part == "凌晨" else 24
    vague = not part and 1 <= hour <= 11 and not spoken.startswith("0")
    return [Clock(match.start(), match.end(), hour % 24 * 60 + minute, vague)]


CHINESE = Forms(
    prepare=_prepare,
    numerals=_numerals,
    measures=_MEASURES,
    measure=measure_pattern(
        (name for name in _MEASURES if name != "块"),
        bordered=False,
        special=_YUAN_COLLOQUIAL,
    ),
    half=re.compile(r"个半(?=小时|钟头|月|星期|礼拜)"),
    half_unit=re.compile(r"半(?!天|夜|年|小时|个)"),
    minus=re.compile(r"(?:零下|负)\s?$"),
    style=_STYLE,
    days=_days,
    clocks=_clocks,
)
