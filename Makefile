VERSION = 0.1.0
CC ?= gcc
PREFIX ?= /usr/local
LXC_GLOBAL_CONF = /etc/lxc/lxc.conf
LXC_DEFAULT_PATH = /var/lib/lxc
BUILD = build
SOURCES = $(wildcard helper/*.c helper/*/*.c)
OBJECTS = $(SOURCES:%.c=$(BUILD)/%.o)
WARN = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Werror
CFLAGS ?= -O2 -g
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -DLXC_GLOBAL_CONF='"$(LXC_GLOBAL_CONF)"' -DLXC_DEFAULT_PATH='"$(LXC_DEFAULT_PATH)"' $(WARN) -MMD -MP $(CFLAGS)
all: $(BUILD)/lxc-bdev
$(BUILD)/lxc-bdev: $(OBJECTS)
	$(CC) -static $(CFLAGS) -o $@ $^ -lblkid -ljson-c
$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<
-include $(OBJECTS:.o=.d)
