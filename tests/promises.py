"""Which tests are `further`: what `make test` leaves to `make test-further`, so that it takes minutes.

First what Easel promises, and the acceptance tests that tell each promise once: those are a part of `make test`.

All other acceptance tests are relatives of these: other ways, places, dialects and databases, a crash at each step,
people who mean harm, the chat page in a browser. They are marked `further` by themselves, and `make test-further` and
`.ci/run` run them. So a new acceptance test is one of these until it stands here. An integration test that is told on
both databases is told on SQLite first, and on PostgreSQL with these.

A story is a file of `tests/acceptance`, or a test in it, where it matters with the database that it is told on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

TESTS = Path(__file__).parent
ACCEPTANCE = TESTS / "acceptance"

PROMISES: Mapping[str, Sequence[str]] = {
    "a request becomes one message with its pictures": ("test_imagine.py", "test_edit.py", "test_menus.py"),
    "no picture that was paid for is lost, and nothing is bought or posted twice": (
        "test_restart.py::test_killed_before_the_acknowledgement_was_answered_the_reply_is_found_and_the_job_done[sqlite]",
        "test_restart.py::test_killed_in_line_the_jobs_are_taken_up_in_their_order[sqlite]",
        "test_restart.py::test_killed_while_the_submission_has_no_answer_the_outcome_is_told_as_unknown[hang-after-accept-sqlite]",
        "test_restart.py::test_killed_in_the_middle_of_progress_the_job_is_delivered_once[postgresql]",
        "test_restart.py::test_killed_during_the_upload_the_pictures_come_with_the_next_start[sqlite]",
        "test_restart.py::test_killed_after_the_upload_nothing_is_uploaded_again[sqlite]",
        "test_restart.py::test_a_timed_out_job_offers_to_check_again_which_delivers_what_was_paid_for[sqlite]",
        "test_workers.py::test_a_worker_takes_over_what_a_killed_bot_left",
        "test_disk.py::test_a_full_disk_delays_jobs_and_loses_none",
    ),
    "trouble of the image API is told in plain words, and never buys twice": (
        "test_dialects.py::test_no_scenario_is_forgotten",
        "test_words.py",
    ),
    "trouble of Discord costs nobody their pictures": (
        "test_discord_faults.py::test_a_failure_is_told_through_trouble[",
        "test_discord_faults.py::test_an_upload_called_too_large_is_made_smaller_and_sent_anew",
        "test_discord_faults.py::test_a_reply_deleted_while_its_job_runs_is_respected",
        "test_tokens.py::test_where_the_bot_is_a_member_the_pictures_come_into_the_same_message",
        "test_tokens.py::test_elsewhere_a_click_brings_the_pictures_into_the_same_message",
    ),
    "buttons never die": ("test_buttons.py", "test_follow_ups.py"),
    "the line is fair, and says where one stands": (
        "test_line.py::test_the_fourth_job_of_a_user_is_refused_privately_and_others_are_not",
        "test_line.py::test_five_jobs_of_one_user_do_not_hold_back_anothers_first",
        "test_line.py::test_the_place_in_line_is_shown_and_moves_up",
    ),
    "the operator's purse is safe": (
        "test_rules.py",
        "test_confirm.py::test_a_dear_request_starts_once_and_only_after_a_yes[sqlite",
        "test_budget_settings.py",
    ),
    "nobody can hurt the others": ("test_forged.py", "test_hostile_names.py", "test_server_settings_forged.py"),
    "a server's managers have their say": (
        "test_server_settings.py",
        "test_new_members.py",
        "test_reports.py",
        "test_drafts.py::test_an_approved_draft_becomes_an_ordinary_reply",
        "test_drafts.py::test_a_declined_draft_stays_private_and_may_be_asked_for_later",
        "test_server_log.py::test_a_request_is_told_with_a_short_prompt_and_mentions_nobody",
    ),
    "people find again what they made, and keep their ways": (
        "test_gallery.py",
        "test_job_list.py",
        "test_presets.py",
        "test_preferences.py::test_the_panel_is_private_keeps_each_choice_at_once_and_outlives_a_restart",
        "test_post_here.py::test_a_private_result_becomes_an_ordinary_public_reply",
        "test_reply_to_edit.py::test_an_answer_that_names_easel_is_an_edit_of_the_picture_for_whoever_wrote_it",
        "test_showcase.py::test_without_a_showcase_there_is_no_star_and_old_replies_get_none",
        "test_showcase.py::test_a_star_is_given_once_and_taken_back",
        "test_showcase.py::test_a_moderators_star_shows_the_pictures_at_once",
        "test_help.py",
    ),
    "private things stay private, and go when they are to go": (
        "test_privacy.py::test_nothing_is_deleted_without_a_second_yes[sqlite",
        "test_privacy.py::test_deleting_takes_what_is_over_and_cancels_what_waits[sqlite",
        "test_usage.py::test_everybody_sees_their_own_and_managers_the_servers[sqlite",
    ),
    "the operator is told what to do": (
        "test_operator.py",
        "test_check.py::test_where_all_is_well_four_lines_say_so_and_one_sums_up",
        "test_start.py::test_every_wrong_variable_is_told_at_once_in_one_sentence_each",
        "test_start.py::test_a_bot_at_work_ends_in_order_when_told",
        "test_verbs.py::test_help_names_every_verb",
        "test_health.py::test_a_bot_that_works_says_so_and_what_it_did",
        "test_status_page.py::test_it_says_what_runs_what_was_painted_and_what_failed",
        "test_setup.py::test_right_answers_write_a_private_file_that_starts_the_bot",
    ),
    "an upgrade and a move keep everything": (
        "test_upgrade.py::test_everything_of_the_first_version_is_there_after_an_upgrade",
        "test_keeping.py::test_jobs_go_on_in_the_database_that_they_were_moved_to_and_back_again",
    ),
    "it can be tried without an account": ("test_say.py::test_a_line_is_played_and_its_four_pictures_are_saved",),
}

#: Of pictures that can be used: the decoders of the others are tried in all ways elsewhere.
FURTHER_KINDS = (
    *("a progressive JPEG", "a grey JPEG", "a JPEG of several pictures", "a PNG that shows through", "a grey PNG"),
    *("a PNG with a palette", "a PNG with long texts", "a lossless WebP", "a WebP that shows through"),
)

#: Other tests that are further, too: each file takes many seconds of processor time, or of waiting, for what changes
#: seldom (`make test-costs` tells). A test where the rest of its file is quick; `*` stands for any end, or any words.
DEAR: Mapping[str, Sequence[str]] = {
    "files of pictures in hundreds of kinds": (
        "integration/test_encoding.py",
        "integration/test_picture_fuzz.py",
        "integration/test_picture_profiles.py",
        "integration/test_picture_structure.py",
        *(f"integration/test_pictures.py::test_a_usable_source_is_named_*{it}]" for it in FURTHER_KINDS),
        "integration/test_pictures.py::test_a_picture_that_needs_more_memory_than_allowed_harms_nobody",
        "integration/test_pictures.py::test_fifty_megapixels_are_decoded_within_the_memory_limit",
        "integration/test_pictures.py::test_files_that_only_begin_like_a_picture_are_broken",
        "integration/test_pictures.py::test_never_more_than_one_picture_process_runs",
        "integration/test_pictures.py::test_truncated_pictures_are_found*0.02*",
        "integration/test_pictures.py::test_truncated_pictures_are_found*0.97*",
    ),
    "bots that are started for one question each": (
        "acceptance/test_operator.py::test_a_block_by_another_process_holds_at_once_and_after_a_restart",
        "acceptance/test_operator.py::test_where_discord_does_not_say_nobody_is_an_operator_and_usage_still_opens",
    ),
    "a database that is moved, upgraded, killed and frozen": (
        "integration/test_store_crash.py",
        "integration/test_store_locks.py",
        "integration/test_store_backup.py",
        "integration/test_store_migrations.py",
        "integration/test_store_moving.py",
        "integration/test_store_presence.py",
        "integration/test_year.py",
    ),
    "answers that drip, or that nobody foresaw, one after the other": (
        "integration/test_check_paint.py",
        "integration/test_moderation_route.py",
        "integration/test_partial_results.py::test_a_picture_inside_an_answer_is_taken_though_one_at_an_address_*",
        "integration/test_uniall_heads.py",
        "integration/test_unread_exceptions.py",
    ),
    "another program's idea of Discord, and of the image API": (
        "second_discord/test_flows.py",
        "integration/test_sandbox_image_api_openai.py",
    ),
    "what other programs say of files that lie beside the code": (
        "integration/test_certificates.py",
        "integration/test_deploy.py",
        "integration/test_windows.py",
        "unit/test_monitoring.py",
        "unit/test_screenshots.py",
    ),
    "latencies that are played through thousands of tasks": (
        "unit/test_pace.py::test_it_follows_an_api_that_becomes_quicker_or_slower*",
        "unit/test_pace.py::test_once_learned_it_is_sooner_than_a_fixed_interval_with_as_many_questions*",
    ),
    "relatives of a story in the same file, of which each paints or waits anew": (
        "acceptance/test_buttons.py::test_a_job_in_line_is_cancelled_without_any_charge",
        "acceptance/test_buttons.py::test_a_private_reply_can_be_deleted",
        "acceptance/test_buttons.py::test_a_question_that_was_open_during_a_restart_deletes_a_public_reply_all_the_same",
        "acceptance/test_buttons.py::test_again_on_an_edit_works_after_the_sources_address_has_expired",
        "acceptance/test_buttons.py::test_anyone_may_press_again_and_then_it_is_theirs",
        "acceptance/test_buttons.py::test_details_of_a_very_long_prompt_bring_it_as_a_file",
        "acceptance/test_discord_faults.py::test_a_failure_is_told_through_trouble*429]",
        "acceptance/test_discord_faults.py::test_a_failure_is_told_through_trouble*50[023]]",
        "acceptance/test_discord_faults.py::test_a_failure_is_told_through_trouble*503 after processing]",
        "acceptance/test_discord_faults.py::test_a_failure_is_told_through_trouble*twice]",
        "acceptance/test_discord_faults.py::test_an_upload_called_too_large_is_made_smaller_and_sent_anew*400]",
        "acceptance/test_edit.py::test_a_private_edit_can_be_repeated_too",
        "acceptance/test_edit.py::test_an_unusable_source_gets_a_clear_sentence_*animated*",
        "acceptance/test_edit.py::test_an_unusable_source_gets_a_clear_sentence_*huge*",
        "acceptance/test_edit.py::test_ten_edits_at_once_check_their_sources_and_all_arrive",
        "acceptance/test_follow_ups.py::test_a_private_reply_is_never_linked",
        "acceptance/test_follow_ups.py::test_links_lead_back_in_direct_messages_too",
        "acceptance/test_forged.py::test_a_post_is_taken_out_where_it_stands_and_not_from_elsewhere",
        "acceptance/test_forged.py::test_a_private_request_is_nobody_elses_by_any_click_or_form*edit*",
        "acceptance/test_gallery.py::test_a_forged_click_shows_nothing_of_what_is_hidden",
        "acceptance/test_gallery.py::test_a_voice_channel_is_shown_to_those_who_may_connect",
        "acceptance/test_gallery.py::test_age_restricted_pictures_stay_where_they_are_allowed",
        "acceptance/test_gallery.py::test_private_threads_are_for_those_in_them",
        "acceptance/test_gallery.py::test_where_easel_is_no_member_it_says_what_it_cannot_fetch",
        "acceptance/test_help.py::test_a_form_speaks_the_language_of_the_one_who_opens_it",
        "acceptance/test_help.py::test_a_public_reply_speaks_the_askers_language_where_the_server_has_chosen_none",
        "acceptance/test_hostile_names.py::test_a_files_name_is_no_path_and_no_command",
        "acceptance/test_imagine.py::test_a_busy_api_is_asked_again_and_only_one_task_is_bought",
        "acceptance/test_imagine.py::test_each_failure_has_its_own_sentence*bad-key*",
        "acceptance/test_imagine.py::test_each_failure_has_its_own_sentence*error-500*",
        "acceptance/test_imagine.py::test_each_failure_has_its_own_sentence*html-in-200*",
        "acceptance/test_imagine.py::test_it_works_in_every_place*group]",
        "acceptance/test_imagine.py::test_it_works_in_every_place*post]",
        "acceptance/test_job_list.py::test_they_are_found_after_a_restart_too*postgresql]",
        "acceptance/test_menus.py::test_edit_image_works_on_the_bots_own_pictures",
        "acceptance/test_menus.py::test_imagine_this_reads_the_cards_of_other_bots",
        "acceptance/test_menus.py::test_mentions_and_emoji_become_words",
        "acceptance/test_menus.py::test_the_form_remembers_what_each_person_chose_the_last_time",
        "acceptance/test_operator.py::test_an_operators_click_puts_no_figures_into_a_public_message",
        "acceptance/test_operator.py::test_blocks_of_the_settings_are_shown_and_only_changed_there",
        "acceptance/test_operator.py::test_team_members_by_their_roles_and_never_by_an_old_answer",
        "acceptance/test_presets.py::test_a_name_is_taken_once_and_fifty_are_enough",
        "acceptance/test_presets.py::test_the_nearest_default_is_used_and_none_leaves_all_out",
        "acceptance/test_presets.py::test_words_that_make_a_prompt_too_long_are_refused_kindly",
        "acceptance/test_reports.py::test_a_channel_that_everyone_reads_is_warned_of_where_it_is_chosen",
        "acceptance/test_reports.py::test_a_channel_that_takes_no_report_is_told_kindly",
        "acceptance/test_reports.py::test_a_picture_that_is_gone_counts_as_deleted",
        "acceptance/test_reports.py::test_blocking_cancels_what_waits_uncharged_and_lets_what_is_painted_come",
        "acceptance/test_reports.py::test_there_is_no_report_without_a_channel_nor_on_private_pictures",
        "acceptance/test_rules.py::test_a_public_reply_speaks_the_servers_language_and_a_private_one_the_persons",
        "acceptance/test_rules.py::test_easel_works_where_the_server_says_threads_with_their_channel",
        "acceptance/test_rules.py::test_spoilers_and_privacy_are_the_servers_to_decide",
        "acceptance/test_rules.py::test_the_server_decides_about_age_restricted_channels",
        "acceptance/test_server_settings.py::test_a_rule_typed_as_an_option_holds_at_once*p*ns]",
        "acceptance/test_server_settings.py::test_a_rule_typed_as_an_option_holds_at_once*month]",
        "acceptance/test_server_settings.py::test_a_rule_typed_as_an_option_holds_at_once*roles]",
        "acceptance/test_server_settings.py::test_the_panel_keeps_discords_limits_with_everything_set",
        "acceptance/test_server_settings.py::test_where_there_is_no_server_of_easels_a_kind_sentence_stands*group]",
        "acceptance/test_server_settings.py::test_where_there_is_no_server_of_easels_a_kind_sentence_stands*elsewhere]",
        "acceptance/test_server_settings_forged.py::test_a_forged_custom_id_of_a_manager_breaks_nothing*[2-7]]",
        "acceptance/test_tokens.py::test_elsewhere_a_click_brings_the_pictures_into_the_same_message*group-False]",
        "acceptance/test_tokens.py::test_elsewhere_a_click_brings_the_pictures_into_the_same_message*dm-True]",
    ),
    "waits of half a minute": (
        "acceptance/test_forged.py::test_numbers_and_names_in_forms_that_no_form_offers_are_refused",
        "acceptance/test_imagine.py::test_each_failure_has_its_own_sentence*gone-*",
        "acceptance/test_imagine.py::test_each_failure_has_its_own_sentence*vanish-*",
        "acceptance/test_job_list.py::test_a_long_list_has_pages",
    ),
    "a package that is built and installed": ("integration/test_wheel.py",),
    "what many servers and hundreds of connections cost": (
        "integration/test_guild_memory.py",
        "integration/test_status_visitors.py",
    ),
    "what the sandbox keeps to: all acceptance tests stand on it": (
        "integration/test_sandbox_discord.py",
        "integration/test_sandbox_discord_components.py",
        "integration/test_sandbox_discord_faults.py",
        "integration/test_sandbox_discord_forms.py",
        "integration/test_sandbox_discord_gateway.py",
        "integration/test_sandbox_discord_habits.py",
        "integration/test_sandbox_discord_line.py",
        "integration/test_sandbox_discord_named.py",
        "integration/test_sandbox_discord_rules.py",
        "integration/test_sandbox_discord_spec.py",
        "integration/test_sandbox_discord_tokens.py",
        "integration/test_sandbox_image_api.py",
        "integration/test_sandbox_image_api_control.py",
        "integration/test_sandbox_image_api_faults.py",
        "integration/test_sandbox_serving.py",
        "unit/test_painter.py",
    ),
    "answers of megabytes": (
        "integration/test_uniall_pressed.py::test_a_bomb_in_gzip_is_not_unpacked_beyond_its_bound",
        "integration/test_uniall_pressed.py::test_pictures_inside_an_answer_are_never_held_in_memory",
        "unit/test_wire.py::test_a_hostile_body_is_answered_in_bounded_time*",
    ),
    "interpreters that are started to see what they import, or may not write": (
        "integration/test_store.py::test_sqlite_needs_neither_the_other_driver_nor_alembic",
        "integration/test_store_faults.py::test_a_place_without_write_access_is_told*",
    ),
    "questions to a database of thousands of rows": (
        "integration/test_store_jobs.py::test_a_thousand_jobs_at_once_are_all_written*",
        "integration/test_store_line.py::test_the_line_stays_cheap_among_many_finished_jobs*",
        "integration/test_store_plans.py",
        "integration/test_store_search.py",
    ),
    "cards in all languages but the longest": tuple(
        f"unit/test_limits.py::test_everything_shown_keeps_discords_limits_*-{language}]"
        for language in ("en-US", "es-ES", "fr", "ja", "pt-BR", "zh-CN")
    ),
    "crowds that differ in what is limited": tuple(
        f"integration/test_store_ledger.py::test_crowds_of_two_processes_never_overrun_a_limit*{what}]"
        for what in ("pictures of a user", "pictures of a server", "money of a server", "the line", "jobs at once")
    ),
    "hundreds of generated examples": ("unit/test_wire_quoted.py::test_an_arbitrary_prompt_decides_nothing",),
}

STORIES = tuple(story for stories in PROMISES.values() for story in stories)
FILES = frozenset(story.partition("::")[0] for story in STORIES)
_ON_POSTGRESQL = re.compile(r"\[(.*-)?postgresql\b")
_DEAR = frozenset(dear for kind in DEAR.values() for dear in kind)


def is_further(file: Path, node_id: str) -> bool:
    """Whether this test, whose id ends in `file::test[parameters]`, is dear, on PostgreSQL, or not told above."""
    name, test = _name(file), node_id.partition("::")[2]
    if name in _DEAR or any(is_meant(f"{name}::{test}", dear) for dear in _dear_in(name)):
        return True
    if name.startswith("integration/"):
        return bool(_ON_POSTGRESQL.search(test))
    if not name.startswith("acceptance/"):
        return False
    told = f"{name.removeprefix('acceptance/')}::{test}"
    return not any(is_told(told, story) for story in STORIES)


def is_meant(test: str, dear: str) -> bool:
    """Whether a test is what DEAR says, in which `*` stands for any end, or any words."""
    return test == dear or fnmatchcase(test, dear)


def is_told(test: str, story: str) -> bool:
    """A story that leaves parameters open, or some of them, stands for all that begin so."""
    return test == story or test.startswith((f"{story}::", f"{story}[") if "[" not in story else story)


@cache
def _name(file: Path) -> str:
    return file.relative_to(TESTS).as_posix()


@cache
def _dear_in(name: str) -> Sequence[str]:
    """What DEAR says of tests of this file."""
    return [dear for dear in _DEAR if dear.startswith(f"{name}::")]


def holds_nothing_quick(file: Path) -> bool:
    """Whether all tests of this file are further, so that `make test` need not read it."""
    name = file.relative_to(TESTS).as_posix()
    if not file.name.startswith("test_"):
        return False
    return file.name not in FILES if file.is_relative_to(ACCEPTANCE) else name in _DEAR
