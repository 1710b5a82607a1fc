/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Layers as tars, what they change, and their sizes; the tars are read here header by header, and by GNU tar. */
#include "unit.h"
#include "delta/changes.h"
#include "delta/size.h"
#include "tar/idmap.h"
#include "tar/tar.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define SHELL(command) CHECK(system(command) == 0)

static struct idmap idmap;
static struct totar options;
static const struct delta overlay = { .format = DELTA_OVERLAY }, aufs = { .format = DELTA_AUFS };
static char text[1 << 20]; /* what was said: of the tar, of changes, or as errors */
static int lowers[501];
static size_t nlowers;

static int open_dir(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void close_lowers(void)
{
	while (nlowers)
		(void)close(lowers[--nlowers]);
}

/* Each test begins with two empty layers: up on low. */
static void begin(const char *script)
{
	close_lowers();
	SHELL("rm -rf up low low2 out *.tar && mkdir up low low2 out");
	CHECK(system(script) == 0);
	options = (struct totar){ .delta = overlay, .idmap = &idmap, .epoch = -1 };
	lowers[nlowers++] = open_dir("low");
}

/* The error line is in text. */
static int run_to(int out, const char *from)
{
	_cleanup_close_ int layer = open_dir(from);
	_cleanup_close_ int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3), log = -EBADF;
	ssize_t n;
	int r;

	log = open("log", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	(void)dup2(log, STDERR_FILENO);
	options.lowers = lowers;
	options.nlowers = nlowers;
	r = totar(&options, layer, out);
	(void)dup2(saved, STDERR_FILENO);
	n = pread(log, text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	return r;
}

static int run(const char *tar, const char *from)
{
	_cleanup_close_ int out = open(tar, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	return run_to(out, from);
}

/* Names, types and links of the tar in text, with the keys of extended records but times; checks what all headers are
 * to be. */
static const char *list(const char *tar)
{
	_cleanup_close_ int fd = open(tar, O_RDONLY | O_CLOEXEC);
	char block[512], *end = text;

	*text = '\0';
	while (read(fd, block, sizeof(block)) == sizeof(block) && *block) {
		unsigned long size = strtoul(block + 124, NULL, 8);
		unsigned int sum = 8 * ' ';

		for (size_t i = 0; i < sizeof(block); i++)
			sum += i >= 148 && i < 156 ? 0 : (unsigned char)block[i];
		CHECK(sum == strtoul(block + 148, NULL, 8));
		CHECK(memcmp(block + 257, "ustar\00000", 8) == 0 && !block[265] && !block[297]);
		if (block[156] == 'x') {
			char pax[1 << 16] = "";

			CHECK(read(fd, pax, (size + 511) & ~511UL) > 0);
			for (char *at = pax; at < pax + size; at += strtoul(at, NULL, 10))
				if (strncmp(strchr(at, ' '), " mtime=", 7) != 0)
					end += sprintf(end, "[%.*s]", (int)(strchr(at, '=') - strchr(at, ' ') - 1),
						       strchr(at, ' ') + 1);
			continue;
		}
		end += sprintf(end, "%c %.155s%s%.100s%s%.100s\n", block[156], block + 345, block[345] ? "/" : "",
			       block, block[157] ? " " : "", block + 157);
		(void)lseek(fd, (off_t)((size + 511) & ~511UL), SEEK_CUR);
	}
	return text;
}

static void a_tar_has_what_a_layer_changes_in_order(void)
{
	begin("cd low && mkdir -p d/e o && touch d/gone && cd ../up && mkdir -p d/e o && touch d/z d/B d/e/x o/new && "
	      "mknod d/gone c 0 0 && mknod top c 0 0 && ln -s /etc/x link && mkfifo d/fifo && mknod d/null c 1 3 && "
	      "setfattr -n trusted.overlay.opaque -v y o && setfattr -n trusted.overlay.origin -v x d && "
	      "setfattr -n trusted.overlay.impure -v y .");
	CHECK(run("1.tar", "up") == 0);
	CHECK_STRING("5 ./\n0 .wh.top\n2 link /etc/x\n5 d/\n0 d/.wh.gone\n0 d/B\n6 d/fifo\n3 d/null\n0 d/z\n5 d/e/\n"
		     "0 d/e/x\n5 o/\n0 o/.wh..wh..opq\n0 o/new\n",
		     list("1.tar"));
	SHELL("[ \"$(tar tvf 1.tar --utc --full-time d/.wh.gone | tr -s ' ')\" = "
	      "'---------- 0/0 0 1970-01-01 00:00:00 d/.wh.gone' ]");
	/* The same in aufs' form. */
	SHELL("rm -rf up/* && cd up && touch .wh..wh.aufs && mkdir -p .wh..wh.plnk d/e o && touch d/z d/B d/e/x o/new && "
	      "ln .wh..wh.aufs d/.wh.gone && ln .wh..wh.aufs .wh.top && ln -s /etc/x link && mkfifo d/fifo && "
	      "mknod d/null c 1 3 && ln .wh..wh.aufs o/.wh..wh..opq && touch .wh..wh.plnk/1.1 d/.wh..wh.x.0001 && "
	      "setfattr -x trusted.overlay.impure . && cd .. && rm -rf low/* && mkdir -p low/d/e low/o");
	options.delta = aufs;
	CHECK(run("2.tar", "up") == 0);
	CHECK_STRING("5 ./\n0 .wh.top\n2 link /etc/x\n5 d/\n0 d/.wh.gone\n0 d/B\n6 d/fifo\n3 d/null\n0 d/z\n5 d/e/\n"
		     "0 d/e/x\n5 o/\n0 o/.wh..wh..opq\n0 o/new\n",
		     list("2.tar"));
}

/* Only where something would be seen through the directory. */
static void opaque_over_nothing_is_not_said(void)
{
	begin("mkdir -p low2/seen low2/whited/d low2/under/d low2/cut/d low2/out/d low2/inside/d && "
	      "mkdir -p low/cut low/under && mknod low/whited c 0 0 && mknod low/under/d c 0 0 && touch low/new && "
	      "ln -s /etc low/link && setfattr -n trusted.overlay.opaque -v y low/cut && "
	      "cd up && mkdir -p seen whited/d under/d cut/d new inside/d link/apt && mknod inside/d/x c 0 0 && "
	      "for d in seen whited/d under/d cut/d new inside inside/d link/apt; do "
	      "setfattr -n trusted.overlay.opaque -v y $d || exit 1; done");
	lowers[nlowers++] = open_dir("low2");
	CHECK(run("1.tar", "up") == 0);
	(void)list("1.tar");
	CHECK(strstr(text, "seen/.wh..wh..opq") && strstr(text, "inside/.wh..wh..opq"));
	CHECK(!strstr(text, "d/.wh..wh..opq") && !strstr(text, "new/.wh") && !strstr(text, "apt/.wh"));
	CHECK(!strstr(text, ".wh.x")); /* it takes nothing away */
}

static void check_refused(const char *script, const char *named)
{
	begin(script);
	CHECK(run("1.tar", "up") == -EINVAL);
	if (!strstr(text, named))
		CHECK_STRING(named, text);
	CHECK(strchr(text, '\n') == text + strlen(text) - 1);
}

/* Of a container's own overlay: they mean nothing to who reads the tar. */
static void attributes_that_overlay_escaped_are_left_out(void)
{
	begin("mkdir up/d && touch up/f && setfattr -n trusted.overlay.overlay.opaque -v y up/d && "
	      "setfattr -n trusted.overlay.overlay.redirect -v /x up/f");
	CHECK(run("1.tar", "up") == 0);
	CHECK(strstr(text, "left out 2 attributes"));
	SHELL("! grep -q overlay 1.tar");
}

static void what_a_tar_cannot_say_is_refused_by_name(void)
{
	check_refused("mkdir up/r && setfattr -n trusted.overlay.redirect -v /x up/r", "'r'");
	check_refused("mkdir up/d && touch up/d/m && setfattr -n trusted.overlay.metacopy up/d/m", "'d/m'");
	check_refused("touch up/.wh.literal", "'.wh.literal'");
	check_refused("touch up/f && setfattr -n user.a=b -v y up/f", "'='");
	check_refused("n=$(printf %0250d 0); touch up/$n && setfattr -n trusted.overlay.metacopy up/$n", "metacopy");
}

static void a_long_name_is_no_obstacle(void)
{
	begin("n=$(printf %0249d 0); touch up/x$n && mknod up/y$n c 0 0");
	CHECK(run("1.tar", "up") == 0);
	SHELL("n=$(printf %0249d 0); [ \"$(tar tf 1.tar | tr '\\n' ' ')\" = \"./ .wh.y$n x$n \" ]");
}

static void equal_layers_make_equal_tars(void)
{
	begin("mkdir up/d && touch up/b up/a up/d/y && ln up/b up/d/c && setfattr -n user.two -v 2 up/a && "
	      "setfattr -n user.one -v 1 up/a && mkdir low2/d && touch low2/a low2/d/c low2/d/y && ln low2/d/c low2/b && "
	      "setfattr -n user.one -v 1 low2/a && setfattr -n user.two -v 2 low2/a && "
	      "touch -h -d @1234567890.5 up/* up/d/* up low2/* low2/d/* low2");
	CHECK(run("1.tar", "up") == 0 && run("2.tar", "low2") == 0);
	SHELL("cmp 1.tar 2.tar");
	CHECK_STRING("[SCHILY.xattr.user.one][SCHILY.xattr.user.two]0 a\n0 b\n5 d/\n1 d/c b\n0 d/y\n",
		     strstr(list("1.tar"), "[S"));
}

static void times_end_at_the_epoch(void)
{
	begin("touch -d @1000.25 up/old && touch -d @3000.5 up/new && touch -d @2000.5 up/now && touch -d @5000 up");
	options.epoch = 2000;
	CHECK(run("1.tar", "up") == 0);
	SHELL("tar xf 1.tar -C out && [ \"$(cd out && stat -c %n=%.2Y . new now old | tr '\\n' ' ')\" = "
	      "'.=2000.00 new=2000.00 now=2000.00 old=1000.25 ' ]");
}

/* Names and attributes are bytes, and all of it comes back. */
static void gnu_tar_reads_everything(void)
{
	static const char capability[20] = { 0x01, 0, 0, 0x02, 0, 0x20 };

	begin("cd up && touch \"$(printf 'l\\351')\" \"$(printf 'u\\303\\251')\" \"$(printf 'two\\nlines')\" && "
	      "n=$(printf %0250d 7) && mkdir -p $n/$n$(printf '\\351') && echo x >$n/$n$(printf '\\351')/x && "
	      "n=$(printf %090d 7) && mkdir -p $n && echo y >$n/$n && touch $n/$(printf %0100d 8) && "
	      "ln -s $(printf %0300d 9) long && ln -s \"$(printf '\\351')\" latin && ln $n/$n hard && ln -h long hardlink 2>&- || "
	      "ln -P long hardlink && head -c 300000 /dev/urandom >large && head -c 512 /dev/urandom >block && "
	      "echo c >cap && chown 12:34 large && chmod 6755 large && chown 3000000:4000000 block && "
	      "touch -d '1960-01-01 00:00:00 UTC' block && touch -d '2100-01-01 00:00:00.000000001 UTC' large && "
	      "mkfifo -m 640 fifo && mknod blk b 259 12345 && setfattr -n user.note -v 0x610062 cap && "
	      "setfattr -n user.none cap && mkdir acl && setfacl -m u:1000:rx,g:77:rw -d -m u:5:rwx acl && "
	      "setfacl -m u:3:r cap && setfattr -h -n trusted.l -v x long");
	CHECK(setxattr("up/cap", "security.capability", capability, sizeof(capability), 0) == 0);
	CHECK(run("1.tar", "up") == 0);
	SHELL("LC_ALL=C tar xpf 1.tar -C out --numeric-owner --xattrs --xattrs-include='*' --acls 2>err && ! grep -v ' time stamp ' err");
	SHELL("look() { cd $1 && find . -printf '%p %y %m %U:%G %T@ %n %l\\n' | LC_ALL=C sort; }; "
	      "(look up) >a && (look out) >b && diff a b");
	SHELL("look() { cd $1 && find . -print0 | LC_ALL=C sort -z | xargs -0 getfattr -h -d -m - -e hex --; }; "
	      "(look up) >a && (look out) >b && diff a b && grep -q posix_acl_default b && "
	      "cd up && find . -type f -exec cmp {} ../out/{} \\;");
	/* Who asks for ACLs only, gets them from their text. */
	SHELL("rm -rf out/* && tar xpf 1.tar -C out --acls acl cap && (cd up && getfacl -n acl cap) >a && "
	      "(cd out && getfacl -n acl cap) >b && diff a b");
}

/* What is at the ends of what a tar can say: devices, times before 1970 (whole seconds, rounded down), long links. */
static void extremes_come_back(void)
{
	begin("cd up && mknod b b 4095 1048575 && mknod c c 4095 1048575 && touch -d @-5 old && touch -d @-1.5 half && "
	      "for n in 99 100 101 155 156 255; do printf x >$(printf \"%0${n}d\" 0) && "
	      "ln $(printf \"%0${n}d\" 0) $n || exit; done && d=$(printf %0250d 0)/$(printf %0250d 0) && mkdir -p $d && "
	      "echo y >$d/f && ln $d/f zlink && touch -d @-2000000000 $d");
	CHECK(run("1.tar", "up") == 0);
	SHELL("LC_ALL=C tar xpf 1.tar -C out --numeric-owner 2>err && ! grep -v ' time stamp ' err");
	SHELL("look() { cd $1 && find . ! -path . -printf '%p %y %m %T@ %n %l\n' | grep -v '^./half' | LC_ALL=C sort; }; "
	      "(look up) >a && (look out) >b && diff a b");
	SHELL("[ $(stat -c %Y out/half) = -2 ] && [ $(stat -c %t:%T out/b) = fff:fffff ] && [ $(stat -c %t:%T out/c) = fff:fffff ] "
	      "&& [ out/zlink -ef out/$(printf %0250d 0)/$(printf %0250d 0)/f ]");
}

static void a_tar_is_not_sparse_and_its_holes_are_not_read(void)
{
	struct stat st;

	begin("cd up && truncate -s 40M holes && printf x | dd of=holes bs=1 seek=20000000 conv=notrunc status=none && "
	      "truncate -s 300000 none");
	CHECK(run("1.tar", "up") == 0);
	CHECK(stat("1.tar", &st) == 0 && st.st_size > 40 << 20);
	SHELL("tar xf 1.tar -C out && cmp up/holes out/holes && cmp up/none out/none");
}

/* A size for which octal digits do not do; and an output that ends. */
static void a_full_disk_is_told(void)
{
	struct rlimit limit, small;

	begin("truncate -s 9G up/huge");
	CHECK(getrlimit(RLIMIT_FSIZE, &limit) == 0);
	small = limit;
	small.rlim_cur = 1 << 20;
	(void)signal(SIGXFSZ, SIG_IGN);
	CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
	CHECK(run("1.tar", "up") == -EFBIG);
	CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	CHECK(strstr(text, "write the tar: ") != NULL);
	SHELL("tar tvf 1.tar 2>&- | grep -q ' 9663676416 .*huge'");
}

static void check_id(const char *script, const char *named)
{
	begin(script);
	CHECK(run("1.tar", "up") < 0);
	if (!strstr(text, named))
		CHECK_STRING(named, text);
}

static void ids_are_mapped_or_refused(void)
{
	static const unsigned char capability[24] = { 0x01, 0, 0, 0x03, 0, 0x20, [20] = 0xa0, 0x86, 0x01 };
	const char *owned = "chown 100000:100000 up && ";
	_cleanup_free_ char *good = xasprintf(
		"%s cd up && touch f cap && chown 100007:100008 f && setfacl -m u:100009:rw f && chown 100000:100000 cap",
		owned);
	_cleanup_free_ char *owner = xasprintf("%s touch up/f", owned);
	_cleanup_free_ char *acl =
		xasprintf("%s touch up/f && chown 100000:100000 up/f && setfacl -m g:5:r up/f", owned);

	CHECK(idmap_add(&idmap, "b:0:100000:65536") == 0);
	begin(good);
	CHECK(setxattr("up/cap", "security.capability", capability, sizeof(capability), 0) == 0);
	CHECK(run("1.tar", "up") == 0);
	SHELL("tar xpf 1.tar -C out --numeric-owner --xattrs --xattrs-include='*' --acls && cd out && "
	      "[ \"$(stat -c %u:%g . f | tr '\\n' ' ')\" = '0:0 7:8 ' ] && getfacl -n f | grep -q user:9:rw- && "
	      "getfattr -n security.capability -e hex cap | grep -q =0x0100000200200000000000000000000000000000");
	check_id(owner, "'f'");
	check_id(acl, "ACL");
	idmap_clear(&idmap);
}

static void sockets_are_counted(void)
{
	begin("touch up/f");
	CHECK(mknod("up/sock", S_IFSOCK | 0700, 0) == 0);
	CHECK(run("1.tar", "up") == 0 && options.skipped == 1);
	CHECK_STRING("5 ./\n0 f\n", list("1.tar"));
}

/* Files of the kernel's are not as large as they say. */
static void a_file_that_changes_is_named(void)
{
	begin(":");
	options.merged = true;
	CHECK(run("1.tar", "/proc/sys/kernel/random") == -ESTALE);
	CHECK(strstr(text, "'boot_id' to a tar: it changed while it was read") != NULL);
	CHECK(run("1.tar", "/sys/kernel/cgroup") == -ESTALE);
	CHECK(strstr(text, "'delegate' to a tar: it changed while it was read") != NULL);
}

/* Reads the tar, but when it has begun, and before it can end, changes the file. */
static void *change_meanwhile(void *arg)
{
	static char buffer[1 << 16];
	const int *pipe_and_size = arg;

	CHECK(read(pipe_and_size[0], buffer, 4096) > 0);
	CHECK(truncate("up/large", pipe_and_size[1]) == 0);
	while (read(pipe_and_size[0], buffer, sizeof(buffer)) > 0)
		;
	return NULL;
}

static void a_large_file_that_changes_is_named(void)
{
	static const int sizes[] = { (8 << 20) + 1, 4 << 20 };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		int ends[2], given[2];
		pthread_t thread;

		begin("head -c 8M /dev/zero >up/large");
		CHECK(pipe2(ends, O_CLOEXEC) == 0);
		given[0] = ends[0];
		given[1] = sizes[i];
		CHECK(pthread_create(&thread, NULL, change_meanwhile, given) == 0);
		CHECK(run_to(ends[1], "up") == -ESTALE);
		CHECK(strstr(text, "'large' to a tar: it changed while it was read") != NULL);
		(void)close(ends[1]);
		CHECK(pthread_join(thread, NULL) == 0);
		(void)close(ends[0]);
	}
}

static void a_merged_tree_is_taken_as_it_is(void)
{
	begin("mkdir -p low/d up/d out/w && echo 1 >low/d/low && echo 2 >up/d/up && touch low/gone && mknod up/gone c 0 0 && "
	      "mkdir out/m && mount -t overlay none -o lowerdir=low,upperdir=up,workdir=out/w out/m");
	options.merged = true;
	close_lowers();
	CHECK(run("1.tar", "out/m") == 0);
	CHECK_STRING("5 ./\n5 d/\n0 d/low\n0 d/up\n", list("1.tar"));
	CHECK(umount("out/m") == 0);
	SHELL("mknod low/d/c c 0 0");
	CHECK(run("1.tar", "low") == -EINVAL && strstr(text, "'d/c'"));
}

static int said(void *arg, char kind, const char *path)
{
	(void)arg;
	(void)sprintf(text + strlen(text), "%c %s\n", kind, path);
	return strcmp(path, "/stop") == 0 ? -ECANCELED : 0;
}

static int changes_now(const struct delta *delta)
{
	_cleanup_close_ int layer = open_dir("up");

	*text = '\0';
	return changes(delta, layer, lowers, nlowers, said, NULL);
}

static const char layers[] =
	"cd low2 && mkdir -p a/b op/sub same owner x w/d && touch a/f a/b/g op/old op/stay op/sub/deep top w/d/f && "
	"ln -s /etc link && mkdir f2d-not && touch f2d && cd ../low && mkdir w && cd ../up && "
	"mkdir -p a/b op/sub same owner link f2d w/d && touch a/b/new a/b/g op/stay op/sub/fresh link/passwd f2d/x brandnew "
	"w/d/f x.y && rmdir ../low2/x && touch ../low2/x && touch x && chown 5 owner && "
	"for d in a a/b same owner w w/d; do touch -d @1000.5 $d ../low2/$d; done && touch -d @1000.5 ../low/w && cd .. && ";

static const char wanted[] =
	"C /a\nC /a/b\nC /a/b/g\nA /a/b/new\nD /a/f\nA /brandnew\nC /f2d\nA /f2d/x\nC /link\n"
	"A /link/passwd\nC /op\nD /op/old\nC /op/stay\nC /op/sub\nD /op/sub/deep\nA /op/sub/fresh\n"
	"C /owner\nD /top\nA /w\nA /w/d\nA /w/d/f\nC /x\nA /x.y\n";

static void changes_are_said_in_order(void)
{
	_cleanup_free_ char *script =
		xasprintf("%s%s", layers,
			  "rmdir low/w && mknod low/w c 0 0 && cd up && mknod a/f c 0 0 && mknod top c 0 0 && "
			  "mknod nothing c 0 0 && setfattr -n trusted.overlay.opaque -v y op && "
			  "touch -d @1000.5 a");

	begin(script);
	lowers[nlowers++] = open_dir("low2");
	CHECK(changes_now(&overlay) == 0);
	CHECK_STRING(wanted, text);
}

static void changes_are_the_same_in_aufs_form(void)
{
	_cleanup_free_ char *script =
		xasprintf("%s%s", layers,
			  "touch low/.wh.w && cd up && touch .wh..wh.aufs && touch a/.wh.f .wh.top .wh.nothing "
			  "op/.wh..wh..opq && touch -d @1000.5 a");

	begin(script);
	lowers[nlowers++] = open_dir("low2");
	CHECK(changes_now(&aufs) == 0);
	CHECK_STRING(wanted, text);
}

static void changes_end_when_they_are_told_to(void)
{
	begin("touch up/a up/stop up/z");
	CHECK(changes_now(&overlay) == -ECANCELED);
	CHECK_STRING("A /a\nA /stop\n", text);
}

static void five_hundred_layers_below_can_be_looked_at(void)
{
	struct rlimit limit, few;

	begin("mkdir -p up/d/e && echo >up/d/e/f && echo >up/d/e/g && cd low && for i in $(seq 500); do mkdir -p $i/d/e; done && "
	      "touch 500/d/e/f");
	close_lowers();
	for (int i = 0; i < 500; i++) {
		char path[32];

		(void)snprintf(path, sizeof(path), "low/%d", i + 1);
		lowers[nlowers++] = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	few = limit;
	few.rlim_cur = 600;
	CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
	CHECK(changes_now(&overlay) == 0);
	CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	CHECK(strstr(text, "C /d/e/f\nA /d/e/g\n") != NULL);
	close_lowers();
}

static void a_size_leaves_out_holes_and_counts_links_once(void)
{
	_cleanup_close_ int layer = -EBADF;
	uint64_t size = 0;

	begin("cd up && mkdir -p d .wh..wh.plnk && printf x >x && ln -s x d/link && head -c 100001 /dev/zero >f && "
	      "ln f d/g && truncate -s 1G d/holes && sync f");
	layer = open_dir("up");
	CHECK(diffsize(&overlay, layer, &size) == 0 && size == 100001 + 1);
	SHELL("ln up/f up/.wh..wh.plnk/1.1");
	CHECK(diffsize(&aufs, layer, &size) == 0 && size == 100001 + 1);
}

int main(void)
{
	static const struct unit_test tests[] = {
		TEST(a_tar_has_what_a_layer_changes_in_order),
		TEST(opaque_over_nothing_is_not_said),
		TEST(attributes_that_overlay_escaped_are_left_out),
		TEST(what_a_tar_cannot_say_is_refused_by_name),
		TEST(a_long_name_is_no_obstacle),
		TEST(equal_layers_make_equal_tars),
		TEST(times_end_at_the_epoch),
		TEST(gnu_tar_reads_everything),
		TEST(extremes_come_back),
		TEST(a_tar_is_not_sparse_and_its_holes_are_not_read),
		TEST(a_full_disk_is_told),
		TEST(ids_are_mapped_or_refused),
		TEST(sockets_are_counted),
		TEST(a_file_that_changes_is_named),
		TEST(a_large_file_that_changes_is_named),
		TEST(a_merged_tree_is_taken_as_it_is),
		TEST(changes_are_said_in_order),
		TEST(changes_are_the_same_in_aufs_form),
		TEST(changes_end_when_they_are_told_to),
		TEST(five_hundred_layers_below_can_be_looked_at),
		TEST(a_size_leaves_out_holes_and_counts_links_once),
	};

	return unit_run(tests, ARRAY_SIZE(tests));
}
