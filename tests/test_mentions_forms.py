"""Every form in which a value may be said, in English and Chinese, and that no other value is."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from agentsynth.checks.mentions import dates_in, numbers_in, says, stated
from agentsynth.checks.mentions_en import MONTHS
from agentsynth.checks.mentions_zh import read_numeral
from agentsynth.core.words import find_words, has_cjk, has_words, normal

TODAY = "2027-04-14"

Case = tuple[str, Any, str, bool | None]


def check(cases: list[Case], **options: Any) -> None:
    for text, value, type_, expected in cases:
        made = stated(text, value, type_, today=TODAY, **options)
        assert made is expected, (text, value, type_, made)
        assert says(text, value, type_, today=TODAY, **options) is bool(expected)


def test_english_money() -> None:
    said = [
        "It is $12.50.", "12.50 dollars", "$ 12.50", "12 dollars and 50 cents", "12 euros 50",
        "€12.50", "EUR 12.50", "12.50 EUR", "US$12.50", "£12.50", "12 pounds 50", "12.50, in all",
        "twelve dollars and fifty cents", "1250 cents", "($12.50)", "from $12 to pay it is $12.50",
    ]  # fmt: skip
    check([(text, 1250, "money", True) for text in said])
    not_said = [
        "$12", "$1,250", "12.50 kg", "12.5%", "not $12.50", "it isn't $12.50", "about $12.50",
        "$12.50 to $15", "$10 to $12.50", "$12.50-15", "between $12.50 and $15", "over $12.50",
        "rather than $12.50", "$12.505", "nothing",
    ]  # fmt: skip
    check([(text, 1250, "money", False) for text in not_said])
    check([(text, 1250, "money", None) for text in ("$12.50 or $15", "is it $9 or maybe $12.50?")])
    check([("€12.50", 1250, "money", True), ("$12.50", 1250, "money", False)], unit="EUR")
    check([("for $3 you get 12", 1200, "money", False), ("you pay 12", 1200, "money", True)])


def test_english_counts() -> None:
    said = [
        "21 of them", "twenty-one", "twenty one", "Twenty-One!", "21.", "(21)", "there are 21, not 20",
        "21 or so were expected, and 21 came",
    ]  # fmt: skip
    check([(text, 21, "count", True) for text in said])
    not_said = [
        "121", "21st", "twenty", "one", "$21", "21 kg", "about 21", "not 21", "21 to 25", "A-21",
        "21 May", "at 9:21", "21-year", "twenty-one hundred", "more than 21", "20 + 1",
    ]  # fmt: skip
    check([(text, 21, "count", False) for text in not_said])
    check([
        ("a dozen", 12, "count", True), ("two dozen", 24, "count", True),
        ("half a dozen", 6, "count", True), ("one hundred and five", 105, "count", True),
        ("two thousand three hundred and forty-one", 2341, "count", True),
        ("three million", 3_000_000, "count", True), ("two and three", 3, "count", True),
        ("two and three", 5, "count", False), ("no plots", 0, "count", True),
        ("none", 0, "count", True), ("No problem!", 0, "count", False),
        ("No, thanks", 0, "count", False), ("at most 3", 3, "count", True),
        ("either 3 or 4", 3, "count", None), ("raised from 12 to 15", 15, "count", None),
    ])  # fmt: skip


def test_english_times() -> None:
    check([(text, "14:30", "time", True) for text in (
        "14:30", "2:30 pm", "2:30pm", "2.30 p.m.", "half past two", "at 2:30", "2:30 in the afternoon",
        "2027-04-05T14:30",
    )])  # fmt: skip
    check([(text, "14:30", "time", False) for text in (
        "2:30 am", "14:31", "114:30", "14:30:5:1", "half past three", "02:30", "not 14:30", "2 pm",
    )])  # fmt: skip
    check([
        ("at noon", "12:00", "time", True), ("midnight", "00:00", "time", True),
        ("9 am", "09:00", "time", True), ("nine in the morning", "09:00", "time", True),
        ("nine in the morning", "21:00", "time", False), ("eight at night", "20:00", "time", True),
        ("quarter to three", "14:45", "time", True), ("ten minutes to five", "16:50", "time", True),
        ("from ten to five", "16:50", "time", False), ("3 o'clock", "15:00", "time", True),
        ("12:15 am", "00:15", "time", True), ("12:15 pm", "12:15", "time", True),
        ("25:10", "01:10", "time", False), ("at 14:30 or 15:00", "15:00", "time", None),
    ])  # fmt: skip


def test_a_time_belongs_to_the_date_next_to_it() -> None:
    both = "5 April at 14:30, or else 6 April at 15:00"
    check([
        ("5 April at 14:30", "2027-04-05T14:30", "datetime", True),
        ("14:30 on April 5", "2027-04-05T14:30", "datetime", True),
        ("It is on 5 April. It starts at half past two.", "2027-04-05T14:30", "datetime", True),
        ("2027-04-05 14:30", "2027-04-05T14:30", "datetime", True),
        (both, "2027-04-05T14:30", "datetime", True),
        (both, "2027-04-06T15:00", "datetime", True),
        (both, "2027-04-06T14:30", "datetime", False),
        (both, "2027-04-05T15:00", "datetime", False),
        ("at 14:30", "2027-04-05T14:30", "datetime", False),
        ("on 5 April", "2027-04-05T00:00", "datetime", False),
    ])  # fmt: skip
    check([("4月5日下午两点半", "2027-04-05T14:30", "datetime", True)], language="zh")


QUANTITIES: list[tuple[str, Any, str, bool, str]] = [
    ("5 kg", 5, "kg", True, "en"), ("5kg", 5, "kg", True, "en"), ("a 5-kg bag", 5, "kg", True, "en"),
    ("5000 g", 5, "kg", True, "en"), ("five kilos", 5000, "g", True, "en"),
    ("5 km", 5, "kg", False, "en"), ("15 kg", 5, "kg", False, "en"), ("5 kg/m", 5, "kg", False, "en"),
    ("24 m²", 24, "m", False, "en"), ("120 cm", 1.2, "m", True, "en"), ("1 m 20 cm", 1.2, "m", True, "en"),
    ("1 m 20 cm", 1, "m", False, "en"), ("2 h 30 min", 150, "min", True, "en"),
    ("2 hours and 30 minutes", 2.5, "h", True, "en"), ("2 hours and 30 minutes", 2, "h", False, "en"),
    ("an hour and a half", 90, "min", True, "en"), ("two and a half hours", 2.5, "h", True, "en"),
    ("half an hour", 30, "min", True, "en"), ("3 days", 72, "h", True, "en"),
    ("21 °C", 21, "°C", True, "en"), ("-3 °C", -3, "°C", True, "en"), ("-3 °C", 3, "°C", False, "en"),
    ("minus three degrees", -3, "°C", True, "en"), ("3.2 kWh", 3200, "Wh", True, "en"),
    ("1.5 litres", 1500, "ml", True, "en"), ("5%", 5, "%", True, "en"), ("five percent", 5, "%", True, "en"),
    ("12 rolls", 12, "rolls", True, "en"), ("12 bolts", 12, "rolls", False, "en"),
    ("between 3 and 5 kg", 5, "kg", False, "en"), ("0.1 kg", 0.1, "kg", True, "en"),
    ("5公斤", 5, "kg", True, "zh"), ("五千克", 5, "kg", True, "zh"), ("５公斤", 5, "kg", True, "zh"),
    ("三公斤半", 3.5, "kg", True, "zh"), ("三公斤半", 3, "kg", False, "zh"), ("500克", 0.5, "kg", True, "zh"),
    ("两个半小时", 150, "min", True, "zh"), ("半小时", 30, "min", True, "zh"),
    ("1小时30分", 90, "min", True, "zh"), ("一小时三十分钟", 90, "min", True, "zh"),
    ("百分之五", 5, "%", True, "zh"), ("百分之十二点五", 12.5, "%", True, "zh"), ("5\uff05", 5, "%", True, "zh"),
    ("二十摄氏度", 20, "°C", True, "zh"), ("零下3度", -3, "°C", True, "zh"), ("12厘米", 0.12, "m", True, "zh"),
    ("3.5千瓦时", 3.5, "kWh", True, "zh"), ("十升", 10, "l", True, "zh"), ("三到五公斤", 5, "kg", False, "zh"),
    ("大约5公斤", 5, "kg", False, "zh"), ("5公里", 5, "kg", False, "zh"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value", "unit", "expected", "language"), QUANTITIES)
def test_quantities_are_compared_in_their_base_unit(
    text: str, value: Any, unit: str, expected: bool, language: str
) -> None:
    check([(text, value, "quantity", expected)], unit=unit, language=language)


def test_a_tolerance_is_absolute_or_relative_and_lets_about_count() -> None:
    for text, tolerance, expected in (
        ("12 kg", 0, False), ("12 kg", 0.2, True), ("12 kg", 0.19, False), ("12 kg", "2%", True),
        ("12 kg", "1%", False), ("about 12 kg", 0.2, True), ("12000 g", 0.2, True),
        ("not 12 kg", 0.2, False),
    ):  # fmt: skip
        assert (
            stated(text, 12.2, "quantity", today=TODAY, unit="kg", tolerance=tolerance) is expected
        )
    assert stated("$12.40", 1250, "money", today=TODAY, tolerance=10) is True
    assert stated("$12.39", 1250, "money", today=TODAY, tolerance=10) is False


def test_chinese_money() -> None:
    said = [
        "12.5元", "12.50元", "12元5角", "12元5毛", "12块5", "12块50", "十二块五", "¥12.50", "\uffe5\uff11\uff12\uff0e\uff15",
        "人民币12.5元", "一共十二元五角。", "12.5元人民币", "12.50美元", "费用是12.5。",
    ]  # fmt: skip
    check([(text, 1250, "money", True) for text in said], language="zh")
    not_said = [
        "12元", "125元", "不是12.5元", "大约12.5元", "12.5元左右", "12.5到15元", "12.5公斤", "三块地",
    ]  # fmt: skip
    check([(text, 1250, "money", False) for text in not_said], language="zh")
    check([("12.5元或者15元", 1250, "money", None)], language="zh")
    check(
        [("12元5角3分", 1253, "money", True), ("三百五十元", 35000, "money", True)], language="zh"
    )
    check(
        [("12美元", 1200, "money", True), ("12元", 1200, "money", False)], language="zh", unit="USD"
    )


def test_chinese_counts() -> None:
    check([(text, 3, "count", True) for text in (
        "有3块地", "一共三块地", "共三。", "３个", "3个", "三个小时", "还剩三次",
    )], language="zh")  # fmt: skip
    check([(text, 3, "count", False) for text in (
        "第三个", "周三", "星期三", "三月", "十三个", "三十个", "3元", "3号地块", "4月3日", "不是3个",
        "3到5个", "2到3个", "大约3个", "3个左右", "不到3个",
    )], language="zh")  # fmt: skip
    check([
        ("两个", 2, "count", True), ("一起走吧", 1, "count", False), ("十分感谢", 10, "count", False),
        ("一百零五个", 105, "count", True), ("三万五千个", 35000, "count", True),
        ("1.2万个", 12000, "count", True), ("三百五", 350, "count", True), ("没有空地", 0, "count", True),
        ("没有问题", 0, "count", False), ("3个还是4个", 3, "count", None), ("3个到5个", 5, "count", False),
    ], language="zh")  # fmt: skip


def test_chinese_dates() -> None:
    check([(text, "2027-04-05", "date", True) for text in (
        "2027年4月5日", "4月5日", "４月５日", "四月五日", "四月五号前还", "二〇二七年四月五日", "5号还",
        "到2027-04-05为止", "2027/4/5", "上周一是4月5号",
    )], language="zh")  # fmt: skip
    check([(text, "2027-04-05", "date", False) for text in (
        "4月15日", "4月", "5号地块", "5号楼", "不是4月5日", "2028年4月5日",
    )], language="zh")  # fmt: skip
    check([
        ("下周三", "2027-04-21", "date", True), ("本周日", "2027-04-18", "date", True),
        ("明天", "2027-04-15", "date", True), ("周三", "2027-04-21", "date", False),
        ("十二月二十五日", "2026-12-25", "date", True), ("2月30日", "2027-03-02", "date", False),
    ], language="zh")  # fmt: skip


def test_chinese_times() -> None:
    check([(text, "14:30", "time", True) for text in (
        "下午两点半", "下午2点30分", "14点30分", "14:30", "下午2:30", "两点半", "14时30分", "十四点三十分",
    )], language="zh")  # fmt: skip
    check([(text, "14:30", "time", False) for text in (
        "上午两点半", "凌晨两点半", "下午三点半", "下午两点", "不是下午两点半", "14小时30分钟",
    )], language="zh")  # fmt: skip
    check([
        ("早上九点", "09:00", "time", True), ("上午九点", "21:00", "time", False),
        ("晚上八点一刻", "20:15", "time", True), ("中午12点", "12:00", "time", True),
        ("晚上十二点", "00:00", "time", True), ("正午", "12:00", "time", True),
    ], language="zh")  # fmt: skip


def test_chinese_words_are_found_without_borders_but_numerals_stay_whole() -> None:
    for text, words, found in (
        ("我想去香樟园看看", "香樟园", True), ("A区3号地", "A区3号", True), ("A区13号地", "3号", False),
        ("十一号", "一号", False), ("第一号", "一号", True), ("用PL-12吧", "PL-12", True),
        ("用PL-123吧", "PL-12", False), ("东香樟园", "香樟园", True), ("香樟", "香樟园", False),
    ):  # fmt: skip
        assert has_words(normal(text), normal(words)) is found, (text, words)
    assert find_words("十一号和一号", "一号") == 4
    assert has_cjk("plot 园")
    assert not has_cjk("plot é")
    check(
        [("不是香樟园", "香樟园", "text", False), ("是香樟园", "香樟园", "text", True)],
        language="zh",
    )


def test_a_denied_text_is_not_said() -> None:
    check([
        ("It is not full sun.", "full sun", "text", False),
        ("It isn't full sun, it's shade.", "full sun", "text", False),
        ("Not shade. Full sun.", "full sun", "text", True),
        ("It is not full sun now, but full sun in June.", "full sun", "text", True),
    ])  # fmt: skip


def test_digits_signs_and_iso_dates_are_found_in_every_language() -> None:
    check([
        ("le 2027-05-05", "2027-05-05", "date", True), ("le 5 mai", "2027-05-05", "date", None),
        ("12,50 ou $12.50", 1250, "money", True), ("à 14:30", "14:30", "time", True),
        ("trois", 3, "count", None), ("3 jardins", 3, "count", True), ("5 kg", 5, "quantity", True),
    ], language="fr")  # fmt: skip


def test_numbers_and_dates_are_listed_by_language() -> None:
    assert numbers_in("有三块地，５个人", "zh") == {3, 5}
    assert numbers_in("三", "en") == set()
    assert dates_in("4月5日和5 May", TODAY, "zh") == {"2027-04-05"}
    assert dates_in("at 2027-04-05T09:00", TODAY) == {"2027-04-05"}


# -- inverses --------------------------------------------------------------------------------------

_ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()  # noqa: SIM905
_TENS = "_ _ twenty thirty forty fifty sixty seventy eighty ninety".split()  # noqa: SIM905
_ZH = "零一二三四五六七八九"


def english(number: int) -> str:
    """Write a number out, by a rule that shares nothing with the reader."""
    for size, name in ((10**6, "million"), (1000, "thousand")):
        if number >= size:
            rest = number % size
            joint = " and " if 0 < rest < 100 else " "
            return f"{english(number // size)} {name}" + (joint + english(rest) if rest else "")
    if number >= 100:
        rest = number % 100
        return f"{_ONES[number // 100]} hundred" + (f" and {english(rest)}" if rest else "")
    if number < 20:
        return _ONES[number]
    return _TENS[number // 10] + (f"-{_ONES[number % 10]}" if number % 10 else "")


def chinese(number: int) -> str:
    if number >= 10**4:
        high, low = divmod(number, 10**4)
        gap = "零" if 0 < low < 1000 else ""
        return chinese(high) + "万" + gap + (chinese(low) if low else "")
    text, zero = "", False
    for size, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, number = divmod(number, size)
        if digit:
            text += ("零" if zero and text else "") + _ZH[digit] + name
        zero = not digit
    return text.removeprefix("一") if text.startswith("一十") else text or "零"


@given(st.integers(0, 9_999_999), st.integers(0, 9_999_999))
def test_a_number_in_words_is_read_back_and_no_other_is(number: int, other: int) -> None:
    assume(number != other)
    for text, language in (
        (f"There are {english(number)} of them.", "en"),
        (f"There are {number:,} of them.", "en"),
        (f"一共有{chinese(number)}个人。", "zh"),
        (f"一共有{number}个人。", "zh"),
    ):
        assert says(text, number, "count", today=TODAY, language=language), text
        assert not says(text, other, "count", today=TODAY, language=language), text


@given(st.integers(0, 10**8 - 1))
def test_a_chinese_numeral_is_read_back(number: int) -> None:
    assert read_numeral(chinese(number)) == number


def money_forms(cents: int) -> list[tuple[str, str]]:
    units, rest = divmod(cents, 100)
    forms = [
        (f"${units:,}.{rest:02}", "en"), (f"{units}.{rest:02} dollars", "en"),
        (f"EUR {units}.{rest:02}", "en"), (f"£{units}.{rest:02}", "en"),
        (f"{units}.{rest:02}元", "zh"), (f"¥{units}.{rest:02}", "zh"), (f"{units}.{rest:02}美元", "zh"),
    ]  # fmt: skip
    if rest:
        forms.append((f"{units} dollars and {rest} cents", "en"))
    if rest % 10 == 0 and rest:
        forms.append((f"{units}元{rest // 10}角", "zh"))
    if not rest:
        forms.append((f"{english(units)} dollars", "en"))
        if units:
            forms.append((f"{chinese(units)}元", "zh"))
    return forms


@given(st.integers(0, 10**7), st.integers(0, 10**7))
def test_an_amount_is_said_in_every_form_and_no_other_amount_is(cents: int, other: int) -> None:
    assume(cents != other)
    for form, language in money_forms(cents):
        text = f"总共{form}。" if language == "zh" else f"It comes to {form} in all."
        assert says(text, cents, "money", today=TODAY, language=language), text
        assert not says(text, other, "money", today=TODAY, language=language), text


@given(st.integers(-180, 180), st.integers(-180, 180))
def test_a_date_is_said_in_every_form_and_no_other_date_is(days: int, others: int) -> None:
    assume(days != others)
    day = date.fromisoformat(TODAY) + timedelta(days)
    other = (date.fromisoformat(TODAY) + timedelta(others)).isoformat()
    month = MONTHS[day.month - 1].title()
    for text, language in (
        (f"by {day.isoformat()}.", "en"), (f"by {day.day} {month}", "en"), (f"{month[:3]} {day.day}", "en"),
        (f"on {month} {day.day}, {day.year}", "en"), (f"{day.year}年{day.month}月{day.day}日", "zh"),
        (f"{day.month}月{day.day}号还", "zh"), (f"在{chinese(day.month)}月{chinese(day.day)}日归还", "zh"),
    ):  # fmt: skip
        assert says(text, day.isoformat(), "date", today=TODAY, language=language), text
        assert not says(text, other, "date", today=TODAY, language=language), text


@given(st.integers(0, 1439), st.integers(0, 1439))
def test_a_time_is_said_in_every_form_and_no_other_time_is(minute: int, other: int) -> None:
    assume(minute % 720 != other % 720)  # half past two may be either
    hour, minutes = divmod(minute, 60)
    half, twelve = ("am", "pm")[hour >= 12], hour % 12 or 12
    part = "凌晨" if hour < 6 else "上午" if hour < 12 else "下午"
    spoken = f"{part}{chinese(twelve if hour != 12 else 12)}点{chinese(minutes)}分"
    forms = [
        (f"at {hour:02}:{minutes:02}", "en"),
        (f"at {twelve}:{minutes:02} {half}", "en"),
        (f"在{hour:02}:{minutes:02}开始", "zh"),
    ]
    if 1 <= hour <= 11 or hour > 12:
        forms.append((spoken, "zh"))
    value, wrong = f"{hour:02}:{minutes:02}", f"{other // 60:02}:{other % 60:02}"
    for text, language in forms:
        assert says(text, value, "time", today=TODAY, language=language), text
        assert not says(text, wrong, "time", today=TODAY, language=language), text


UNITS = st.sampled_from([("kg", "公斤"), ("g", "克"), ("km", "公里"), ("cm", "厘米"), ("h", "小时"), ("l", "升"), ("kWh", "千瓦时"), ("%", "%")])  # fmt: skip


@given(st.decimals(0, 5000, places=2), st.decimals(0, 5000, places=2), UNITS)
def test_a_quantity_is_said_in_both_languages_and_no_other_is(
    value: Decimal, other: Decimal, names: tuple[str, str]
) -> None:
    assume(value != other)
    unit, chinese_unit = names
    for text, language in (
        (f"It is {value} {unit} now.", "en"),
        (f"现在是{value}{chinese_unit}。", "zh"),
    ):
        options: dict[str, Any] = {"today": TODAY, "language": language, "unit": unit}
        assert says(text, float(value), "quantity", **options), text
        assert not says(text, float(other), "quantity", **options), text


@given(st.text(max_size=40), st.sampled_from(["en", "zh", "fr"]))
def test_no_text_breaks_the_reader(text: str, language: str) -> None:
    for type_, value in (
        ("money", 5),
        ("count", 5),
        ("date", TODAY),
        ("time", "09:00"),
        ("text", "x"),
        ("datetime", f"{TODAY}T09:00"),
    ):
        stated(text, value, type_, today=TODAY, language=language)


@given(
    st.text(
        alphabet="0123456789零一二三十百千万点半年月日号第周时分元角块$¥.,:-/ ~到至TapmM",
        max_size=24,
    ),
    st.sampled_from(["en", "zh"]),
)
def test_no_tangle_of_forms_breaks_the_reader(text: str, language: str) -> None:
    for type_, value in (
        ("money", 5),
        ("count", 5),
        ("date", TODAY),
        ("time", "09:00"),
        ("datetime", f"{TODAY}T09:00"),
    ):
        stated(text, value, type_, today=TODAY, language=language)
