/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* The command line of any verb. Which options a verb takes is in its struct verb. */
struct args {
	const char *name;    /* -n */
	const char *lxcpath; /* -P */
	const char *config;  /* -f */
	const char *rootfs;  /* --rootfs */
	const char *target;  /* --target */
	const char *source;  /* --source */
	pid_t monitor;	     /* --monitor; 0: not given */
	mode_t umask;	     /* the caller's */
	bool json;	     /* --json */
	bool fix;	     /* --fix */
	const char *newname; /* -N */
	const char *newpath; /* -p */
	const char *size;    /* --tmpfs=SIZE; NULL: not given */
	const char *upper;   /* --upper */
	const char *backing; /* -B */
	bool tmpfs;	     /* -t */
	bool keepdata;	     /* -D */
	bool keepname;	     /* -K */
	bool foreground;     /* -F */
	const char *to;	     /* --to */
	const char **lowers; /* --lower, each */
	size_t nlowers;
	bool userxattr;	    /* --userxattr */
	bool dry_run;	    /* --dry-run */
	bool check;	    /* --check */
	const char *store;  /* --store */
	const char *driver; /* --driver */
	const char *parent; /* --parent */
	const char *holder; /* --holder */
	const char **idmap; /* each --idmap */
	size_t nidmap;
	const char *max_bytes;	 /* --max-bytes */
	const char *max_entries; /* --max-entries */
	const char *digest;	 /* --digest */
	const char *output;	 /* -o, where the verb has it */
	const char *aufs;	 /* --aufs */
	bool repair;		 /* --repair */
	bool copy;		 /* --copy */
	bool given[128];	 /* the option of this letter was given */
	int behind;		 /* how many words are behind -- */
	int argc;		 /* what is not an option */
	char **argv;
};

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_IMPOSSIBLE = 3 };

struct verb {
	const char *name;
	const char *usage;		     /* what follows the name; NULL: a hook, not shown to users */
	const char *summary;		     /* one line */
	const char *options;		     /* the letters it takes, n: --name and so on, see main.c */
	void (*help)(void);		     /* for --help; NULL: the general text */
	int min, max;			     /* how many words; max -1: any number */
	int (*run)(const struct args *args); /* 0, -errno after an error line, or an exit code */
};

#define VERBS(X)     \
	X(mount)     \
	X(umount)    \
	X(plan)      \
	X(status)    \
	X(types)     \
	X(doctor)    \
	X(ephemeral) \
	X(convert)   \
	X(commit)    \
	X(pre_start) \
	X(post_stop) \
	X(clone)     \
	X(destroy)   \
	X(depend)    \
	X(hooked)    \
	X(run_child) \
	X(layer)

#define DECLARE_VERB(v) extern const struct verb verb_##v;
VERBS(DECLARE_VERB)
#undef DECLARE_VERB
