"""A second way to the same answers, straight from the rules' text and from JSON alone.

It shares no code with the project: plain dicts in, plain dicts out, written to be obvious.
"""

from collections.abc import Collection
from fractions import Fraction
from typing import Any

Json = dict[str, Any]
Jsons = list[Json]
Scores = dict[str, Fraction]


def frac(text: str | None) -> Fraction | None:
    return None if text is None else Fraction(text)


def weigh(how: str, parts: Jsons, values: Scores) -> Fraction:
    total, weight = Fraction(0), Fraction(0)
    for part in parts:
        total += Fraction(part["weight"]) * values[part["key"]]
        weight += Fraction(part["weight"])
    return total if how == "sum" else total / weight


def entry_of(rules: Json, key: str) -> Json:
    return next(entry for entry in rules["entries"] if entry["key"] == key)


def score_of(rules: Json, key: str, marks: Scores) -> Fraction:
    return weigh(rules["combine_look_fors"], entry_of(rules, key)["look_fors"], marks)


def average(rules: Json, key: str, marks_of_readings: list[Scores]) -> Json:
    look_fors = {}
    for part in entry_of(rules, key)["look_fors"]:
        column = [marks[part["key"]] for marks in marks_of_readings]
        look_fors[part["key"]] = sum(column, Fraction(0)) / len(column)
    return {"state": "scored", "score": score_of(rules, key, look_fors), "look_fors": look_fors}


def differs(rules: Json, scores: list[Fraction]) -> bool:
    if rules["gap"] is not None and max(scores) - min(scores) > Fraction(rules["gap"]):
        return True
    if rules["near_cut"] is None:
        return False
    cuts: list[str | None] = [rules["floor"]] + (
        [rules["threshold"]] if rules["combine_entries"] == "mean" else []
    )
    middle = sum(scores, Fraction(0)) / len(scores)
    return any(cut is not None and abs(middle - Fraction(cut)) <= Fraction(rules["near_cut"]) for cut in cuts)


def closest(rules: Json, key: str, everybody: Jsons) -> list[Scores]:
    """The scorers' own names settle a tie last, the higher pair and the adjudicator's before that."""
    best: tuple[Any, list[Scores]] | None = None
    for a in everybody:
        for b in everybody:
            if a["scorer"] < b["scorer"]:
                x, y = score_of(rules, key, a["marks"]), score_of(rules, key, b["marks"])
                lead = "adjudicator" in (a["role"], b["role"])
                order = (abs(x - y), -x - y, not lead, a["scorer"], b["scorer"])
                if best is None or order < best[0]:
                    best = (order, [a["marks"], b["marks"]])
    assert best is not None
    return best[1]


def combine(rules: Json, key: str, readings: Jsons) -> Json:
    """`readings`: dicts of scorer, role, condition, ratings (key → text)."""
    for reading in readings:
        reading["marks"] = {name: Fraction(text) for name, text in reading["ratings"].items()}
    scorers = [r for r in readings if r["role"] == "scorer"]
    leads = [r for r in readings if r["role"] == "adjudicator"]
    if len(scorers) < rules["scorers_per_entry"]:
        return {"state": "awaiting", "readings": rules["scorers_per_entry"] - len(scorers)}
    codes = [c["code"] for c in rules["conditions"]]
    given = [r["condition"] for r in scorers if r["condition"]]
    if len(given) == len(scorers):
        return {"state": "unscorable", "condition": min(given, key=codes.index)}

    if not given and not differs(rules, [score_of(rules, key, r["marks"]) for r in scorers]):
        return average(rules, key, [r["marks"] for r in scorers])
    if not leads:
        return {"state": "discrepant"}
    lead = leads[0]
    if lead["condition"]:
        return {"state": "unscorable", "condition": lead["condition"]}
    if given or rules["resolution"] == "adjudicator":
        return average(rules, key, [lead["marks"]])
    everybody = [*scorers, lead]
    if rules["resolution"] == "mean_of_three":
        return average(rules, key, [r["marks"] for r in everybody])
    return average(rules, key, closest(rules, key, everybody))


def bank(rules: Json, history: Jsons) -> dict[str, Json]:
    """`history`: dicts of entry, year, score (None when unscorable), look_fors."""
    banked: dict[str, Json] = {}
    for result in sorted(history, key=lambda r: r["year"]):
        key = result["entry"]
        if result["score"] is None:
            continue
        if key not in banked or not rules["best_of"]:
            banked[key] = {"score": result["score"], "look_fors": dict(result["look_fors"])}
        elif rules["banking_unit"] == "look_for":
            kept = banked[key]["look_fors"]
            for name, value in result["look_fors"].items():
                kept[name] = max(kept[name], value)
            banked[key]["score"] = score_of(rules, key, kept)
        elif result["score"] > banked[key]["score"]:
            banked[key] = {"score": result["score"], "look_fors": dict(result["look_fors"])}
    return banked


def facts(rules: Json, history: Jsons) -> Json:
    banked = {key: kept["score"] for key, kept in bank(rules, history).items()}
    keys = [entry["key"] for entry in rules["entries"]]
    tried = {result["entry"] for result in history}
    overall = None
    if set(banked) == set(keys):
        overall = weigh(rules["combine_entries"], rules["entries"], banked)
    floor, threshold = frac(rules["floor"]), frac(rules["threshold"])
    low = [key for key in keys if key in banked and floor is not None and banked[key] < floor]
    missed = overall is not None and threshold is not None and overall < threshold
    return {
        "keys": keys,
        "banked": banked,
        "overall": overall,
        "low": low,
        "missed": missed,
        "never": [key for key in keys if key not in tried],
        "unscorable": [key for key in keys if key in tried and key not in banked],
        "certified": overall is not None and not low and not missed,
    }


def may_submit(
    rules: Json, history: Jsons, year: int, retakes_in_year_2: bool = False, extended: Collection[str] = ()
) -> list[str]:
    """The table of the year policy, for three years with first submissions in the first two."""
    seen = facts(rules, [result for result in history if result["year"] < year])
    if seen["certified"] or year > 3:
        return []
    if year == 3 and [key for key in seen["never"] if key not in extended]:
        return []
    retakes: list[str] = []
    if year == 3 or (year == 2 and retakes_in_year_2):
        tried = [key for key in seen["keys"] if key not in seen["never"]]
        if seen["missed"] or seen["unscorable"] or rules["retakes"] == "any_entry":
            retakes = tried
        else:
            retakes = seen["low"]
    return [key for key in seen["keys"] if key in seen["never"] or key in retakes]


def decide(
    rules: Json, history: Jsons, year: int, retakes_in_year_2: bool = False, extended: Collection[str] = ()
) -> Json:
    seen = facts(rules, [result for result in history if result["year"] <= year])
    answer = {"overall": seen["overall"], "ended_as": None, "open_next_year": []}
    if seen["certified"]:
        return {**answer, "outcome": "certified"}
    if year >= 2 and [key for key in seen["never"] if key not in extended]:
        return {**answer, "outcome": "ended", "ended_as": "incomplete"}
    if year >= 3:
        return {**answer, "outcome": "ended", "ended_as": "years over"}
    following = may_submit(rules, history, year + 1, retakes_in_year_2, extended)
    return {**answer, "outcome": "continuing", "open_next_year": following}
