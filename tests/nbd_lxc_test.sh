#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Containers on images that qemu-nbd serves, through FUSE.
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname -- "$0")/lib.sh"
# shellcheck source=tests/nbd_lxc.sh
. "$(dirname -- "$0")/nbd_lxc.sh"

# Also where there are nbd devices: those have tests/guest/nbd_lxc_test.sh.
export LXC_BDEV_NBD=fuse

# through_fuse COMMAND... - or skip.
through_fuse() {
	[ -c /dev/fuse ] || skip 'there is no /dev/fuse'
	[ "$_skipped" ] || "$@"
}

testWhatIsWrittenToAQcow2SurvivesRebootAndStop() { through_fuse written_data_survives qcow2; }
testWhatIsWrittenToARawImageSurvivesRebootAndStop() { through_fuse written_data_survives raw; }
testAPartitionBelowATmpfsIsNeverWritten() { through_fuse partition_is_never_written; }
testFourContainersShareAReadOnlyImage() { through_fuse four_share_an_image; }
testTheSecondWriterIsRefusedInOneLineThatNamesTheFirst() { through_fuse second_writer_is_refused; }
testSixteenContainersOnLinkedImagesStartAndStopAtOnce() { through_fuse sixteen_at_once 16; }
testAContainerRunsInTheForeground() { through_fuse runs_in_the_foreground; }
testStartAtOnceAfterPoweroffIsNeverRefused() { through_fuse start_after_poweroff_is_never_refused 10; }

testOfAKilledMonitorTheWatcherLeavesNothing() { through_fuse killed_monitor_leaves_nothing; }
testStartAtOnceAfterAKilledMonitorWorks() { through_fuse start_after_a_killed_monitor_works; }
testAHelperThatIsKilledBeforeTheStartLeavesNothing() { through_fuse killed_helper_leaves_nothing "$([ "${SAN-}" ] && echo 97 || echo 11)"; }
testAKilledShellLeavesNothing() { through_fuse killed_shell_leaves_nothing; }
testAHelperThatOutlivesItsHookLeavesNothing() { through_fuse helper_that_outlives_its_hook_leaves_nothing 0 0.05 0.2; }
testAKilledServerIsAnErrorInside() { through_fuse killed_server_is_an_error_inside qcow2; }
testARebootMendsAKilledServer() { through_fuse reboot_mends_a_killed_server; }
testAServerKilledBeforeTheMountLeavesNothing() { through_fuse server_killed_before_the_mount_leaves_nothing 0 0.01 0.02 0.03 0.05; }

testAFrozenContainerHasAWorkingServer() { through_fuse frozen_container_has_a_working_server; }
testTheServerIsInNoCgroupOfOthers() { through_fuse server_is_in_no_cgroup_of_others; }

# shellcheck source=/dev/null
. shunit2
