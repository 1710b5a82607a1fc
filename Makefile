# SPDX-License-Identifier: LGPL-2.1-or-later
#
# make demo    show it all, on this machine (root; installs what is missing)
# make check   run the tests (root; installs what is missing); SAN=1: under ASan and UBSan
# make check-host   run those that take long: complete LXC hosts on all kernels, and the oldest kernel
# make         build; make install: DESTDIR, PREFIX
# make sweeps  all tests that kill at system calls, at each one; make check takes every sixth
# make faults  the whole of tests/fault_test.sh: each system call of each operation fails (hours); make check has a slice
# make lint    static checks; make bench: figures; make deps: only install what all of this needs

# A root shell by su has no directories of system programs in PATH; dpkg refuses to work so.
export PATH := $(PATH):/usr/local/sbin:/usr/sbin:/sbin

# Build for, and test with, the LXC that is installed there: make check LXC_PREFIX=/opt/lxc
ifdef LXC_PREFIX
export PATH := $(LXC_PREFIX)/bin:$(LXC_PREFIX)/sbin:$(PATH)
endif
# What $(shell) runs does not get the PATH above.
LXC_ASK = PATH='$(PATH)';

VERSION = 0.1.0
PREFIX = /usr/local
BINDIR = $(PREFIX)/bin
LIBEXECDIR = $(PREFIX)/libexec/lxc-bdev
MANDIR = $(PREFIX)/share/man
COMPLETIONDIR = $(PREFIX)/share/bash-completion/completions

# Of the QEMU to run; without it, the one in the caller's PATH.
QEMU_BINDIR =

# LXC's own places, asked from the installed LXC.
LXC_START := $(shell $(LXC_ASK) readlink -f "$$(command -v lxc-start)")
LXC_CONFIG_DIR = $(patsubst %/bin/lxc-start,%/share/lxc/config,$(LXC_START))
LXC_HOOK_DIR = $(patsubst %/bin/lxc-start,%/share/lxc/hooks,$(LXC_START))
LXC_TEMPLATE_DIR = $(patsubst %/bin/lxc-start,%/share/lxc/templates,$(LXC_START))
# The directory that has LXC's locks: only a script of LXC's says it.
LXC_NET = $(firstword $(wildcard $(foreach d,libexec/lxc lib/*/lxc lib/lxc libexec,\
	$(patsubst %/bin/lxc-start,%,$(LXC_START))/$(d)/lxc-net)))
LXC_RUN := $(shell sed -n 's|^varrun="\(/[^"]*\)".*|\1|p' $(LXC_NET) /dev/null 2>/dev/null | head -n 1)
LXC_PATH := $(shell $(LXC_ASK) lxc-config lxc.lxcpath 2>/dev/null || echo /var/lib/lxc)
LXC_BINDIR = $(patsubst %/lxc-start,%,$(LXC_START))
# Its liblxc, where the compiler does not find that by itself.
LXC_ROOT = $(filter-out /usr,$(patsubst %/bin/lxc-start,%,$(LXC_START)))
LXC_LIBDIR = $(patsubst %/liblxc.so,%,$(if $(LXC_ROOT),$(firstword $(wildcard $(LXC_ROOT)/lib/liblxc.so \
	$(LXC_ROOT)/lib/*/liblxc.so $(LXC_ROOT)/lib64/liblxc.so))))
LXC_ETC := $(shell $(LXC_ASK) dirname -- "$$(lxc-config lxc.default_config 2>/dev/null || echo /etc/lxc/default.conf)")

ifeq ($(origin CC),default)
CC = gcc
endif
CFLAGS = -O2 -g
WARNINGS = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Werror
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -DLXC_GLOBAL_CONF='"$(LXC_ETC)/lxc.conf"' \
	-DLXC_DEFAULT_PATH='"$(LXC_PATH)"' -DLXC_POLICY='"$(LXC_ETC)/bdev-policy.conf"' \
	-DLXC_RUN='"$(or $(LXC_RUN),/run/lxc)"' -DLXC_BDEV_CONF='"$(LXC_CONFIG_DIR)/bdev.conf"' \
	-DLXC_BINDIR='"$(LXC_BINDIR)"' -DQEMU_BINDIR='"$(QEMU_BINDIR)"' $(WARNINGS) $(CFLAGS)
LXC_CFLAGS = $(if $(LXC_LIBDIR),-I$(LXC_ROOT)/include)
# liblxc is loaded when LXC is asked.
LXC_LIBS = $(if $(LXC_LIBDIR),-Wl$(comma)-rpath$(comma)$(LXC_LIBDIR)) -ldl
comma = ,
HOOK_LIBS = -lblkid -ljson-c
LIBS = $(HOOK_LIBS) -larchive -lz -lzstd -llzma -lbz2
# What hooks run is static: a hook is one exec, and the dynamic linker would be more of it than all the rest. And no library of
# a container's is ever loaded. The sections let the linker drop what hooks do not use.
STATIC = -static
ifdef SAN
CFLAGS = -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
STATIC =
endif
ALL_CFLAGS += -ffunction-sections -fdata-sections
ALL_LDFLAGS = $(CFLAGS) -Wl,--gc-sections $(LDFLAGS)

# Two files implement kernel/mount-table.h; the one with libmount is for programs that are linked dynamically.
LIBMOUNT_OBJECT = build/helper/kernel/mount-table-libmount.o
LIBMOUNT_CFLAGS = $(shell pkg-config --cflags mount 2>/dev/null)
LIBMOUNT_LIBS = $(or $(strip $(shell pkg-config --libs mount 2>/dev/null)),-lmount)

# The command's shared libraries are those that Debian has no static ones of, and what these need themselves. That of
# libarchive would bring XML, Unicode and C++, and take five times as long to start.
COMMAND_LIBS = -Wl,-Bstatic $(filter-out -lblkid,$(LIBS)) -Wl,-Bdynamic $(LXC_LIBS) $(LIBMOUNT_LIBS) -lblkid

HOOKS = $(notdir $(wildcard hooks/*))
SOURCES = $(sort $(wildcard helper/*.c helper/*/*.c))
OBJECTS = $(filter-out $(LIBMOUNT_OBJECT),$(SOURCES:%.c=build/%.o))
# All but the two programs' mains. A program takes what it uses.
ARCHIVE = build/helper.a
MAINS = build/helper/main.o build/helper/hook.o
UNITS = $(patsubst %.c,build/%,$(wildcard tests/unit/*.c))
TOOLS = $(patsubst %.c,build/%,$(wildcard tests/tools/*.c))

DEPS_BUILD = gcc libc6-dev libblkid-dev libjson-c-dev libarchive-dev zlib1g-dev libzstd-dev liblzma-dev libbz2-dev \
	libmount-dev lxc-dev pkg-config
DEPS_DEMO = lxc busybox-static e2fsprogs util-linux procps
DEPS_CHECK = shunit2 xfsprogs btrfs-progs squashfs-tools erofs-utils fdisk gdisk qemu-utils qemu-block-extra rsync strace jq \
	qemu-system-x86 kmod debootstrap mandoc bash bash-completion attr acl libcap2-bin xz-utils zstd bzip2 containers-storage
DEPS_LINT = shellcheck clang-format clang-tidy cppcheck valgrind mandoc
DEPS_BENCH = strace fio qemu-utils qemu-system-x86 kmod rsync xfsprogs

all: build/lxc-bdev build/lxc-bdev-hook

$(ARCHIVE): $(filter-out $(MAINS),$(OBJECTS))
	rm -f $@
	ar qcs $@ $^

build/lxc-bdev: build/helper/main.o $(LIBMOUNT_OBJECT) $(ARCHIVE)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(COMMAND_LIBS)

build/lxc-bdev-hook: build/helper/hook.o $(ARCHIVE)
	$(CC) $(STATIC) $(ALL_LDFLAGS) -o $@ $^ $(HOOK_LIBS)

build/%.o: %.c build/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LXC_CFLAGS) -MMD -MP -c -o $@ $<

build/tests/unit/%: tests/unit/%.c $(wildcard tests/unit/*.h) $(ARCHIVE)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -Ihelper -o $@ $< $(ARCHIVE) $(STATIC) $(ALL_LDFLAGS) $(LIBS)

# It has both implementations in it.
build/tests/unit/mount-table: private ALL_CFLAGS += $(LIBMOUNT_CFLAGS)
build/tests/unit/mount-table: private STATIC =
build/tests/unit/mount-table: private LIBS += $(LIBMOUNT_LIBS)
build/tests/unit/mount-table: helper/kernel/mount-table-libmount.c

$(LIBMOUNT_OBJECT): private ALL_CFLAGS += $(LIBMOUNT_CFLAGS)

build/tests/tools/%: tests/tools/%.c build/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -o $@ $< $(STATIC) $(ALL_LDFLAGS) $(LIBS)

# Everything is built anew when the compiler or its flags change.
build/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(subst ','\'',$(CC) $(ALL_CFLAGS) $(STATIC) $(ALL_LDFLAGS) $(LXC_CFLAGS) $(COMMAND_LIBS))' | cmp -s - $@ || \
		echo '$(subst ','\'',$(CC) $(ALL_CFLAGS) $(STATIC) $(ALL_LDFLAGS) $(LXC_CFLAGS) $(COMMAND_LIBS))' >$@

-include $(OBJECTS:.o=.d) $(LIBMOUNT_OBJECT:.o=.d)

install: all
	@test -n '$(LXC_CONFIG_DIR)' || \
		{ echo 'install: no lxc-start found; install LXC, or say where its config directory is: LXC_CONFIG_DIR=' >&2; exit 1; }
	install -d '$(DESTDIR)$(BINDIR)' '$(DESTDIR)$(LIBEXECDIR)' '$(DESTDIR)$(LXC_CONFIG_DIR)' '$(DESTDIR)$(MANDIR)/man8' '$(DESTDIR)$(MANDIR)/man5' \
		'$(DESTDIR)$(COMPLETIONDIR)' '$(DESTDIR)$(LXC_TEMPLATE_DIR)' '$(DESTDIR)$(LXC_HOOK_DIR)'
	install -m 0755 build/lxc-bdev '$(DESTDIR)$(BINDIR)/lxc-bdev'
	install -m 0755 build/lxc-bdev-hook '$(DESTDIR)$(LIBEXECDIR)/lxc-bdev-hook'
	for hook in $(HOOKS); do \
		sed 's|@LIBEXECDIR@|$(LIBEXECDIR)|; s|@LXC_HOOK_DIR@|$(LXC_HOOK_DIR)|' "hooks/$$hook" >build/hook && \
			install -m 0755 build/hook '$(DESTDIR)$(LXC_HOOK_DIR)'/"$$hook" || exit; \
	done
	sed 's|@LXC_HOOK_DIR@|$(LXC_HOOK_DIR)|' config/bdev.conf.in >build/bdev.conf
	install -m 0644 build/bdev.conf '$(DESTDIR)$(LXC_CONFIG_DIR)/bdev.conf'
	templates/assemble '$(BINDIR)' '$(LXC_CONFIG_DIR)' '$(LXC_TEMPLATE_DIR)' >build/lxc-bdev.template
	install -m 0755 build/lxc-bdev.template '$(DESTDIR)$(LXC_TEMPLATE_DIR)/lxc-bdev'
	install -m 0644 man/lxc-bdev.8 '$(DESTDIR)$(MANDIR)/man8/lxc-bdev.8'
	install -m 0644 man/lxc-bdev-layer.8 '$(DESTDIR)$(MANDIR)/man8/lxc-bdev-layer.8'
	install -m 0644 man/bdev.conf.5 '$(DESTDIR)$(MANDIR)/man5/bdev.conf.5'
	install -m 0644 man/lxc-bdev-json.5 '$(DESTDIR)$(MANDIR)/man5/lxc-bdev-json.5'
	install -m 0644 config/bash-completion/lxc-bdev '$(DESTDIR)$(COMPLETIONDIR)/lxc-bdev'

uninstall:
	rm -f '$(DESTDIR)$(BINDIR)/lxc-bdev' '$(DESTDIR)$(LIBEXECDIR)/lxc-bdev-hook' \
		'$(DESTDIR)$(LXC_CONFIG_DIR)/bdev.conf' '$(DESTDIR)$(MANDIR)/man8/lxc-bdev.8' \
		'$(DESTDIR)$(MANDIR)/man8/lxc-bdev-layer.8' '$(DESTDIR)$(MANDIR)/man5/bdev.conf.5' '$(DESTDIR)$(MANDIR)/man5/lxc-bdev-json.5' \
		'$(DESTDIR)$(COMPLETIONDIR)/lxc-bdev' \
		'$(DESTDIR)$(LXC_TEMPLATE_DIR)/lxc-bdev' $(HOOKS:%='$(DESTDIR)$(LXC_HOOK_DIR)/%')

# $(call need,PACKAGES): install those that are missing, on Debian and its like.
define need
@missing=$$(for p in $(1); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q ' installed$$' || echo $$p; done); \
if [ -n "$$missing" ]; then echo "installing" $$missing; \
	apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing; fi
endef

deps:
	$(call need,$(DEPS_BUILD) $(DEPS_DEMO) $(DEPS_CHECK) $(DEPS_LINT) $(DEPS_BENCH))

# The rest runs in a make of its own: only then is LXC there to be asked.
demo:
	$(call need,$(DEPS_BUILD) $(DEPS_DEMO))
	@$(MAKE) --no-print-directory -j"$$(nproc)" all
	@tests/demo

check:
	$(call need,$(DEPS_BUILD) $(DEPS_DEMO) $(DEPS_CHECK))
	@$(MAKE) --no-print-directory -j"$$(nproc)" check-built

check-built: all $(UNITS) $(TOOLS)
	@tests/run $(TESTS)

check-host:
	@$(MAKE) --no-print-directory check TESTS="$(wildcard tests/guest_host_6.*_test.sh tests/guest_nbd_all_*_test.sh) tests/guest_oldest_test.sh"

FAULTS = EMFILE ENOMEM EIO EACCES
faults:
	$(call need,$(DEPS_BUILD) $(DEPS_DEMO) $(DEPS_CHECK))
	@$(MAKE) --no-print-directory all $(TOOLS)
	@FAULTS='$(FAULTS)' TEST_SECONDS=7200 tests/run tests/fault_test.sh

sweeps:
	@SWEEP=1 $(MAKE) --no-print-directory check TESTS="$$(grep -l SWEEP tests/*_test.sh | tr '\n' ' ')"

lint:
	$(call need,$(DEPS_BUILD) $(DEPS_DEMO) $(DEPS_LINT))
	@$(MAKE) --no-print-directory all
	@LIBS="$(LIBS)" tests/lint

bench:
	$(call need,$(DEPS_BUILD) $(DEPS_DEMO) $(DEPS_BENCH))
	@$(MAKE) --no-print-directory all
	@tests/bench/run $(ROWS)

clean:
	rm -rf build

FORCE:
.PHONY: all install uninstall deps demo check check-built check-host faults sweeps lint bench clean FORCE
