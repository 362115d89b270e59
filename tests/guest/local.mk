# Tests that need the kernel's IPVS run in a guest of qemu.

EXTRA_DIST += tests/guest/run
