"""What each key does, on a monitor before a told flow."""

from __future__ import annotations

import pytest
from support.monitor import LARGE, settle, watch
from support.replay import Replay, car_park, read

from flowalpr.tui.board import Board
from flowalpr.tui.book import PAGES


@pytest.mark.parametrize(("number", "words"), [(1, "plates"), (2, "processed"), (3, "direction"), (4, "severity")])
def test_a_number_opens_its_page(number, words):
    assert words in watch("8", str(number))


def test_tab_goes_through_all_pages_and_back():
    seen = []

    async def turn(pilot, app):
        for _ in PAGES:
            seen.append(app.view.page)
            await pilot.press("tab")
        seen.append(app.view.page)
        await pilot.press("shift+tab")
        seen.append(app.view.page)

    watch(then=turn)
    assert seen == [*(page.name for page in PAGES), "flow", "logs"]


def test_plates_are_masked_until_m():
    assert "KAB1234" not in watch("3")
    assert "KA•••••" in watch("3")
    assert "KAB1234" in watch("3", "m")
    assert "KAB1234" not in watch("3", "m", "m")


def test_the_picture_of_a_plate_is_hidden_with_its_text():
    masked = watch("3", "down", "enter")
    assert "▀" not in masked
    assert "KA•••••" in masked
    assert "▀" in watch("3", "down", "enter", "m")


def test_a_filter_keeps_rows_that_hold_its_words_until_escape():
    filtered = watch("2", "slash", *"refused", "enter")
    assert "south" in filtered
    assert "north" not in filtered
    assert "north" in watch("2", "slash", *"refused", "enter", "escape")
    assert "north" in watch("2", "slash", *"refused", "escape")


def test_a_masked_plate_cannot_be_found_by_its_text():
    assert "No read holds" in watch("3", "slash", *"kab1234")
    assert "KAB1234" in watch("3", "m", "slash", *"kab1234")


def test_enter_opens_what_is_chosen_and_escape_leaves_it():
    assert "plate-detector" in watch("down", "enter")
    assert "plate-detector" in watch("j", "enter")
    assert "in/s" in watch("down", "enter", "escape")


def test_escape_returns_to_the_row_that_was_chosen():
    async def where(pilot, app):
        assert app.view.chosen == "text"

    watch("down", "down", "down", "enter", "escape", then=where)


def test_a_key_is_not_lost_when_figures_are_painted_right_after_it():
    """Painted in the same breath, before the board's message that another row is chosen has come through."""
    chosen = []

    async def press(pilot, app):
        for _ in range(2):
            app.query_one("#page", Board).action_move(1)
            app.paint()
        await settle(pilot)
        chosen.append(app.view.chosen)

    watch(then=press)
    assert chosen == ["follow"]


def test_arrows_lead_through_the_drawing():
    chosen = []

    async def walk(pilot, app):
        for key in ("right", "right", "left", "left", "down", "l", "h"):
            await pilot.press(key)
            await pilot.pause()
            chosen.append(app.view.chosen)

    watch(size=LARGE, then=walk)
    assert chosen == ["plates", "follow", "plates", "north", "south", "plates", "north"]


def test_v_changes_between_drawing_and_list():
    assert "╭" in watch("v")
    assert "╭" not in watch("v", "v")


def test_p_pauses_a_node_and_lets_it_go_on():
    door = Replay()
    assert "plates paused" in watch("down", "p", door=door)
    paused = Replay(car_park(60, paused=True))
    watch("down", "down", "down", "down", "p", door=paused)
    assert door.asked == [("pause", "plates")]
    assert paused.asked == [("resume", "cars")]


def test_a_restart_is_asked_for_twice():
    refused, door = Replay(), Replay()
    watch("r", "n", door=refused)
    assert refused.asked == []
    assert "restarted north" in watch("r", "y", door=door)
    assert door.asked == [("restart", "north")]


def test_a_page_cannot_be_left_by_the_answer_to_a_question():
    assert "in/s" in watch("r", "3")


def test_an_alert_stays_until_it_is_acknowledged():
    assert "stolen" in watch("4")
    door = Replay()
    assert "Nothing waits" in watch("4", "a", door=door)
    assert door.asked == [("acknowledge", "alert-1")]


def test_enter_on_an_alert_shows_its_read():
    assert "WA•••••" in watch("4", "enter")


def test_a_read_is_corrected():
    door = Replay()
    page = watch("3", "m", "down", "c", *["backspace"] * 7, *"mxy99", "enter", door=door)
    assert "MXY99" in page
    assert door.asked == [("correct", "read-8", "mxy99")]


def test_a_plate_is_put_on_a_list():
    door = Replay()
    watch("3", "down", "a", *"lorry", "enter", door=door)
    assert door.asked == [("add", "known", "KAB1234", "alert", "lorry")]


def test_a_list_that_is_not_there_is_named_with_those_that_are():
    door = Replay()

    async def ask(pilot, app):
        await pilot.press("3", "down", "a")
        await pilot.pause()
        app.query_one("#line").value = "nobody alert"
        await pilot.press("enter")

    assert "lists: known" in watch(door=door, then=ask)
    assert door.asked == []


def test_a_plate_is_copied():
    async def copied(pilot, app):
        assert app.clipboard == "KAB1234"

    watch("3", "down", "y", then=copied)


def test_a_search_shows_reads_of_the_past_until_escape():
    door = Replay()
    assert "No read holds" in watch("3", "s", *"XYZ", "enter", door=door)
    assert "2 reads of the past" in watch("s", *"KAB1234", "enter")
    assert "allow known" in watch("s", *"XYZ", "enter", "escape")
    assert door.asked[0] == ("search", "XYZ")


def test_space_holds_the_screen_still():
    door = Replay()

    async def later(pilot, app):
        door.later.put_nowait(car_park(9000))

    assert "2 h 30 min" in watch(door=door, then=later)
    held = Replay()

    async def later_held(pilot, app):
        held.later.put_nowait(car_park(9000))
        held.fresh.put_nowait(read(20, text="NEW777"))
        await settle(pilot)

    page = watch("3", "m", "space", "down", door=held, then=later_held)
    assert "2 h 1 min" in page
    assert "NEW777" not in page


def test_t_changes_the_colours():
    names = []

    async def change(pilot, app):
        for _ in range(4):
            names.append(app.theme)
            await pilot.press("t")

    watch(then=change)
    assert names == ["flowalpr-dark", "flowalpr-light", "ansi-dark", "flowalpr-dark"]


def test_a_colon_offers_all_commands():
    assert "Restart" in watch("colon", *"resta")


def test_a_question_mark_shows_the_keys_and_takes_them_away():
    assert "Ctrl+L" in watch("question_mark")
    assert "Ctrl+L" not in watch("question_mark", "question_mark")
    assert "Ctrl+L" not in watch("question_mark", "escape")


def test_every_key_of_every_page_is_explained_in_the_help():
    page = watch("question_mark", size=(120, 60))
    for each in PAGES:
        for key, _ in each.keys:
            assert key.capitalize() in page or f" {key} " in page


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
def test_q_leaves(key):
    async def left(pilot, app):
        await pilot.press(key)
        assert app._exit

    watch(then=left)
