/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tars, honest and hostile, made block by block. */
#include "unit.h"
#include "base/sha256.h"
#include "tar/untar.h"

#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#ifdef __SANITIZE_ADDRESS__
#define PEAK (1024 << 10) /* it keeps what was freed */
#else
#define PEAK (32 << 10)
#endif
#define SHELL(command) CHECK(system(command) == 0)

static int tar_fd = -EBADF; /* the tar being made */
static char records[1 << 16];
static size_t records_size;
static struct untar u;
static struct idmap map;
static int parents[4];

static void put(const void *data, size_t n)
{
	static const char zeros[512];

	CHECK(write(tar_fd, data, n) == (ssize_t)n);
	if (n % 512)
		CHECK(write(tar_fd, zeros, 512 - n % 512) == (ssize_t)(512 - n % 512));
}

/* What the next header has at these places instead. */
static struct {
	size_t at, n;
	char bytes[155];
} patches[4];
static size_t npatches;

static void patch(size_t at, const void *bytes, size_t n)
{
	patches[npatches].at = at;
	patches[npatches].n = n;
	(void)memcpy(patches[npatches++].bytes, bytes, n);
}

/* A number in GNU's binary form. */
static void patch_number(size_t at, size_t n, long long value)
{
	unsigned char bytes[12];

	for (size_t i = n; i-- > 0; value >>= 8)
		bytes[i] = (unsigned char)(value & 0xff);
	bytes[0] |= 0x80;
	patch(at, bytes, n);
}

enum { MTIME_AT = 136, MAGIC_AT = 257, MAJOR_AT = 329, MINOR_AT = 337, PREFIX_AT = 345 };

static void header(const char *name, char type, unsigned int mode, unsigned long long size, const char *link)
{
	unsigned char h[513] = { 0 };
	unsigned int sum = 0;

	(void)memcpy(h, name, strnlen(name, 100));
	(void)snprintf((char *)h + 100, 8, "%07o", mode);
	(void)snprintf((char *)h + 108, 8, "%07o", 0);
	(void)snprintf((char *)h + 116, 8, "%07o", 0);
	(void)snprintf((char *)h + 124, 13, "%012llo", size);
	(void)snprintf((char *)h + 136, 12, "%011o", 1000000000);
	(void)memset(h + 148, ' ', 8);
	h[156] = (unsigned char)type;
	(void)memcpy(h + 157, link ?: "", link ? strnlen(link, 100) : 0);
	(void)memcpy(h + 257, "ustar\00000", 8);
	if (type == '3' || type == '4') {
		(void)snprintf((char *)h + 329, 8, "%07o", 0);
		(void)snprintf((char *)h + 337, 8, "%07o", mode >> 12);
	}
	for (size_t i = 0; type != 'x' && i < npatches; i++)
		(void)memcpy(h + patches[i].at, patches[i].bytes, patches[i].n);
	if (type != 'x')
		npatches = 0;
	for (size_t i = 0; i < 512; i++)
		sum += h[i];
	(void)snprintf((char *)h + 148, 8, "%06o", sum);
	put(h, 512);
}

/* A record of the next entry's. */
static void pax_bytes(const char *key, const void *value, size_t size)
{
	size_t n = strlen(key) + size + 3, digits = (size_t)snprintf(NULL, 0, "%zu", n);

	digits = (size_t)snprintf(NULL, 0, "%zu", n + digits);
	records_size +=
		(size_t)snprintf(records + records_size, sizeof(records) - records_size, "%zu %s=", n + digits, key);
	(void)memcpy(records + records_size, value, size);
	records_size += size;
	records[records_size++] = '\n';
}

static void pax(const char *key, const char *value)
{
	pax_bytes(key, value, strlen(value));
}

static void add(const char *name, char type, unsigned int mode, const char *what)
{
	bool file = type == '0';

	if (records_size) {
		header("PaxHeaders/x", 'x', 0644, records_size, NULL);
		put(records, records_size);
		records_size = 0;
	}
	header(name, type, mode, file && what ? strlen(what) : 0, file ? NULL : what);
	if (file && what)
		put(what, strlen(what));
}

#define FILE_(name)	       add(name, '0', 0644, name)
#define DIR_(name)	       add(name, '5', 0755, NULL)
#define SYMLINK(name, target)  add(name, '2', 0777, target)
#define HARDLINK(name, target) add(name, '1', 0644, target)

/* Each test begins with no layer, and with a file outside that must stay as it is. */
static void begin(enum whiteout_format form)
{
	SHELL("rm -rf layer below outside said && mkdir layer below outside && echo secret >outside/file && "
	      "chmod 0700 layer");
	if (tar_fd >= 0)
		(void)close(tar_fd);
	tar_fd = memfd_create("tar", MFD_CLOEXEC);
	records_size = 0;
	u = (struct untar){ .delta = { .format = form }, .limits = untar_defaults, .parents = parents };
}

static int extract_from(int fd)
{
	_cleanup_close_ int to = open("layer", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int said = open("said", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	_cleanup_close_ int saved = dup(STDERR_FILENO);
	int r;

	for (size_t i = 0; i < u.nparents; i++)
		parents[i] = open("below", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	(void)dup2(said, STDERR_FILENO);
	r = untar(&u, fd, to);
	(void)dup2(saved, STDERR_FILENO);
	for (size_t i = 0; i < u.nparents; i++)
		(void)close(parents[i]);
	SHELL("test \"$(cat outside/file)\" = secret && test \"$(ls -A outside)\" = file && "
	      "test \"$(echo *)\" = \"below layer outside said\"");
	return r;
}

static int extract(void)
{
	static const char end[1024];

	put(end, sizeof(end));
	CHECK(lseek(tar_fd, 0, SEEK_SET) == 0);
	return extract_from(tar_fd);
}

/* Refused, and the one line says of whom and why. */
static void refused(const char *said)
{
	_cleanup_free_ char *command = xasprintf("test $(wc -l <said) = 1 && grep -qF -- \"%s\" said", said);
	int r = extract();

	CHECK(r < 0);
	if (system(command) != 0) {
		CHECK(!"the line says it");
		SHELL("sed 's/^/# /' said; true");
	}
}

static bool whiteout(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == 0;
}

static bool opaque(const char *path)
{
	char value[2] = { 0 };

	return getxattr(path, "trusted.overlay.opaque", value, 1) == 1 && *value == 'y';
}

static bool there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static void all_that_a_tar_says_of_files_is_on_disk(void)
{
	static const char capability[20] = { 0x01, 0, 0, 0x02, 0, 0x20 };

	begin(DELTA_OVERLAY);
	pax("mtime", "1234567890.123456789");
	DIR_("./");
	pax("mtime", "1111111111.5");
	add("d/", '5', 02751, NULL);
	pax("uid", "12");
	pax("gid", "34");
	pax("mtime", "-5");
	pax("atime", "77.000000001");
	pax_bytes("SCHILY.xattr.user.note", "a\0b\n", 4);
	pax_bytes("SCHILY.xattr.security.capability", capability, sizeof(capability));
	pax("SCHILY.xattr.security.selinux", "x");
	pax("LIBARCHIVE.xattr.user.other", "eHk=");
	add("d/f", '0', 06711, "text");
	pax("SCHILY.acl.access", "user::rw-,user:joe:r-x:1000,group::r--,mask::r-x,other::---");
	FILE_("acl");
	pax("SCHILY.acl.default", "user::rwx,group::r-x,group::rw-:5,mask::rwx,other::---");
	DIR_("defaults");
	add("defaults/f", '0', 0640, "x");
	add("fifo", '6', 0640, NULL);
	add("null", '3', 0666 | 7 << 12, NULL);
	SYMLINK("s", "/etc/passwd");
	HARDLINK("h", "d/f");
	CHECK(extract() == 0);
	SHELL("cd layer && stat -c '%n %F %a %u:%g %h %s %Y %X' . d d/f fifo s >../below/look && cat >../below/want <<E\n"
	      ". directory 755 0:0 4 $(stat -c %s .) 1234567890 1234567890\n"
	      "d directory 2751 0:0 2 $(stat -c %s d) 1111111111 1111111111\n"
	      "d/f regular file 6711 12:34 2 4 -5 77\n"
	      "fifo fifo 640 0:0 1 0 1000000000 1000000000\n"
	      "s symbolic link 777 0:0 1 11 1000000000 1000000000\nE\n"
	      "diff ../below/look ../below/want && stat -c %y . d/f | grep -c -e '\\.123456789' -e ':55.0000' | grep -qx 2");
	SHELL("cd layer && test $(stat -c %t:%T null) = 0:7 && test d/f -ef h && test \"$(readlink s)\" = /etc/passwd && "
	      "test \"$(getfattr -d -m - -e hex d/f | grep -c =)\" = 3 && "
	      "getfattr -e hex -n user.note d/f | grep -q 0x6100620a && getfattr -n user.other d/f | grep -q xy && "
	      "getfacl -cpn acl | grep -qx 'user:1000:r-x' && getfacl -cpn defaults | grep -qx 'default:group::r-x' && "
	      "! getfattr -m - defaults/f | grep -q acl && test $(stat -c %a defaults/f) = 640");
}

/* Whatever the umask of the caller is, which main() has set. */
static void modes_are_those_of_the_tar_and_not_of_the_umask(void)
{
	begin(DELTA_OVERLAY);
	add("d/", '5', 0777, NULL);
	add("d/f", '0', 0666, "x");
	add("d/fifo", '6', 0664, NULL);
	add("d/null", '3', 0622 | 7 << 12, NULL);
	add("implied/f", '0', 0060, "x");
	CHECK(extract() == 0);
	SHELL("cd layer && test \"$(stat -c %a d d/f d/fifo d/null implied/f | xargs)\" = '777 666 664 622 60'");
}

static void a_directory_that_the_tar_comes_back_to_is_what_the_tar_said(void)
{
	begin(DELTA_OVERLAY);
	pax("gid", "34");
	pax("SCHILY.acl.default", "user::rwx,group::r-x,group::rw-:5,mask::rwx,other::---");
	add("d/", '5', 02775, NULL);
	add("d/one", '0', 0644, "x");
	DIR_("e/");
	FILE_("e/f");
	add("d/two", '0', 0640, "x");
	add("d/dir/", '5', 0755, NULL);
	FILE_("e/g");
	CHECK(extract() == 0);
	SHELL("cd layer && test \"$(stat -c %a:%g:%Y d d/one d/two d/dir e | xargs)\" = "
	      "'2775:34:1000000000 644:0:1000000000 640:0:1000000000 755:0:1000000000 755:0:1000000000' && "
	      "getfacl -cpn d | grep -qx 'default:group:5:rw-' && ! getfattr -m - d/two d/dir | grep -q acl");
}

#define DEEP  250 /* more directories than untar keeps open */
#define MOVED 30  /* this one, and the one that it is in, are not */

/* The pipe that the mover writes the rest of the tar to. */
static int moved_pipe;

/* Write a path of DEEP directories and a file in it; when that is there, move the one of number MOVED out. */
static void *move_away(void *arg)
{
	char path[2 * DEEP + 16], at[2 * MOVED + 16] = "layer";

	(void)arg;
	for (size_t i = 0; i < MOVED; i++)
		(void)stpcpy(at + strlen(at), "/d");
	(void)stpcpy(path, "layer");
	for (size_t i = 0; i < DEEP; i++)
		(void)stpcpy(path + strlen(path), "/d");
	(void)stpcpy(path + strlen(path), "/f");
	for (int i = 0; i < 10000 && access(path, F_OK) < 0; i++)
		(void)usleep(1000);
	CHECK(rename(at, "outside/moved") == 0);
	tar_fd = moved_pipe;
	FILE_("last");
	put((char[1024]){ 0 }, 1024);
	(void)close(moved_pipe);
	return NULL;
}

static void a_directory_that_is_moved_out_ends_it_and_nothing_outside_changes(void)
{
	_cleanup_close_ int in = -EBADF, said = open("/dev/null", O_RDWR | O_CLOEXEC), to = -EBADF;
	_cleanup_close_ int saved = dup(STDERR_FILENO);
	char path[2 * DEEP + 16] = "";
	struct stat before, after;
	pthread_t thread;
	int ends[2], r;

	begin(DELTA_OVERLAY);
	CHECK(pipe2(ends, O_CLOEXEC) == 0 && fcntl(ends[1], F_SETPIPE_SZ, 1 << 20) >= 1 << 20);
	in = ends[0];
	moved_pipe = ends[1];
	(void)close(tar_fd);
	tar_fd = ends[1];
	for (size_t i = 0; i < DEEP; i++)
		(void)stpcpy(path + strlen(path), "d/");
	(void)stpcpy(path + strlen(path), "f");
	pax("path", path);
	FILE_("f");
	/* So that the reader has more than a block, and begins with what is before. */
	pax("path", path);
	header("PaxHeaders/x", 'x', 0644, records_size, NULL);
	put(records, records_size);
	records_size = 0;
	header("f", '0', 0644, 200000, NULL);
	put((char[200000]){ 0 }, 200000);
	SHELL("touch -d @1000 outside .");
	CHECK(stat(".", &before) == 0);
	to = open("layer", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(pthread_create(&thread, NULL, move_away, NULL) == 0);
	(void)dup2(said, STDERR_FILENO);
	r = untar(&u, in, to);
	(void)dup2(saved, STDERR_FILENO);
	(void)pthread_join(thread, NULL);
	tar_fd = -EBADF;
	CHECK(r < 0);
	/* The rename itself changed outside's time, to now; untar's would be that of the tar. */
	CHECK(stat(".", &after) == 0 && after.st_mtim.tv_sec == before.st_mtim.tv_sec);
	CHECK(stat("outside", &after) == 0 && after.st_mtim.tv_sec != 1000000000);
	SHELL("test ! -e last && test ! -e outside/last && test \"$(cat outside/file)\" = secret && rm -rf layer");
}

static void names_are_bytes_in_every_form_of_a_tar(void)
{
	begin(DELTA_OVERLAY);
	FILE_("ustar-\303\244-\344");
	pax("path", "pax-\303\244");
	FILE_("x");
	pax("path", "pax-\344");
	FILE_("y");
	pax("linkpath", "to-\344\303\244");
	SYMLINK("link-\344", "z");
	header("././@LongLink", 'L', 0644, 7, NULL);
	put("gnu-\344\303", 7);
	FILE_("z");
	CHECK(extract() == 0);
	CHECK(there("layer/ustar-\303\244-\344") && there("layer/pax-\303\244") && there("layer/pax-\344"));
	CHECK(there("layer/gnu-\344\303"));
	SHELL("test \"$(readlink layer/link*)\" = \"$(printf 'to-\\344\\303\\244')\"");
}

static void a_long_name_makes_a_short_line(void)
{
	char name[3000];

	begin(DELTA_OVERLAY);
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	pax("path", name);
	FILE_("x");
	refused("nnn...: ");
	SHELL("test $(wc -c <said) -lt 300");
}

static void a_whiteout_below_a_file_says_nothing(void)
{
	begin(DELTA_OVERLAY);
	u.nparents = 1;
	SHELL("echo f >below/file && ln -s / below/link && mkdir below/dir");
	FILE_("file/.wh.x");
	FILE_("link/.wh.x");
	FILE_("dir/.wh.x");
	CHECK(extract() == 0);
	SHELL("test \"$(cd layer && find . | sort | tr '\\n' ' ')\" = '. ./dir ./dir/x '");
}

static void a_name_that_leads_out_is_refused(void)
{
	static const char *const names[] = { "../outside/file", "/outside/file", "d/../../outside/new", "..", "d/.." };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		begin(DELTA_OVERLAY);
		DIR_("d");
		FILE_(names[i]);
		refused(names[i]);
	}
	begin(DELTA_OVERLAY);
	FILE_("one\nline\033");
	FILE_("../one\nline\033");
	refused("../one\\\\012line\\\\033: a name with ..");
}

static void nothing_goes_through_a_symlink(void)
{
	begin(DELTA_OVERLAY);
	SYMLINK("s", "../outside");
	FILE_("s/new");
	refused("s/new: ");
	begin(DELTA_OVERLAY);
	SYMLINK("s", "../outside");
	DIR_("s/");
	FILE_("s/new"); /* the directory took the symlink's place */
	CHECK(extract() == 0 && there("layer/s/new"));
	/* In two steps: a directory that becomes a symlink. */
	begin(DELTA_OVERLAY);
	DIR_("d");
	FILE_("d/f");
	SYMLINK("d", "../outside");
	FILE_("d/new");
	refused("d/new: ");
	begin(DELTA_OVERLAY);
	SYMLINK("a", ".");
	SYMLINK("a/b", "../outside");
	refused("a/b: ");
	begin(DELTA_OVERLAY);
	SYMLINK("f", "../outside/file");
	add("f", '0', 0644, "not through");
	CHECK(extract() == 0);
	SHELL("test -f layer/f -a ! -L layer/f");
}

static void a_hard_link_stays_in_its_layer(void)
{
	begin(DELTA_OVERLAY);
	SYMLINK("s", "../outside");
	HARDLINK("h", "s/file");
	refused("h: a link to 's/file'");
	begin(DELTA_OVERLAY);
	HARDLINK("h", "../outside/file");
	refused("h: ");
	begin(DELTA_OVERLAY);
	HARDLINK("h", "/etc/passwd");
	refused("this layer has no such file");
	begin(DELTA_OVERLAY);
	SYMLINK("s", "../outside/file");
	HARDLINK("h", "s");
	add("h", '0', 0600, "mine");
	CHECK(extract() == 0);
	begin(DELTA_OVERLAY);
	FILE_("f");
	HARDLINK("f", "./f");
	HARDLINK("g", "/f");
	CHECK(extract() == 0);
	SHELL("test layer/f -ef layer/g");
}

static void what_means_something_to_overlay_is_not_taken(void)
{
	begin(DELTA_OVERLAY);
	add("dev", '3', 0600, NULL);
	refused("dev: a character device 0:0");
	begin(DELTA_OVERLAY);
	pax("SCHILY.xattr.trusted.overlay.opaque", "y");
	pax("SCHILY.xattr.trusted.overlay.redirect", "/outside");
	pax("SCHILY.xattr.user.overlay.metacopy", "");
	pax("LIBARCHIVE.xattr.trusted.overlay.whiteout", "eQ==");
	pax("SCHILY.xattr.trusted.mine", "y");
	DIR_("d");
	CHECK(extract() == 0 && u.skipped == 4);
	SHELL("test \"$(getfattr -m - layer/d | grep -v -e ^# -e '^$')\" = trusted.mine");
}

static void names_of_aufs_own_are_left_out(void)
{
	begin(DELTA_AUFS);
	DIR_(".wh..wh.plnk");
	FILE_(".wh..wh.plnk/12.12");
	HARDLINK("d/a", ".wh..wh.plnk/12.12");
	HARDLINK("b", ".wh..wh.plnk/12.12");
	FILE_(".wh..wh.aufs");
	FILE_(".wh..wh.orph/x");
	FILE_("d/.wh..wh.tmp.12ab");
	SYMLINK(".wh..wh.plnk/out", "../../outside");
	FILE_(".wh..wh.plnk/out/file");
	CHECK(extract() == 0 && u.skipped == 7);
	SHELL("test layer/d/a -ef layer/b && test $(stat -c %h layer/b) = 2 && test \"$(cd layer && find . | sort | tr '\\n' ' ')\" = "
	      "'. ./b ./d ./d/a '");
}

static void a_whiteout_must_have_a_name_and_be_a_file(void)
{
	static const char *const names[] = { ".wh.", ".wh..", ".wh...", "d/.wh.", ".wh.d/f" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		begin(DELTA_OVERLAY);
		u.nparents = 1;
		FILE_(names[i]);
		refused("whiteout");
	}
	begin(DELTA_OVERLAY);
	DIR_(".wh.d");
	refused("whiteout");
}

/* The same tar forwards and backwards. */
static void whiteouts_and_entries(bool backwards)
{
	static const char *const names[] = { "d/.wh.gone", "d/file",	".wh.dir",	  "dir/new",	   ".wh.file",
					     "file",	   "o/.wh.x",	"o/.wh..wh..opq", "o/in",	   ".wh.w",
					     "w/.wh.x",	   "w/y/.wh.z", "m/n/.wh.x",	  "q/.wh..wh..opq" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *name = names[backwards ? ARRAY_SIZE(names) - 1 - i : i];

		add(name, '0', 0644, "");
	}
}

static void a_whiteout_is_of_the_layers_below_in_any_order(void)
{
	for (int backwards = 0; backwards < 2; backwards++) {
		begin(DELTA_OVERLAY);
		u.nparents = 1;
		SHELL("mkdir -p below/m && chmod 2750 below/m && chown 3:4 below/m && setfattr -n user.x -v y below/m && "
		      "touch -d @99 below/m && touch -d @98 below");
		whiteouts_and_entries(backwards);
		CHECK(extract() == 0);
		SHELL("test \"$(cd layer && find . | sort | tr '\\n' ' ')\" = "
		      "'. ./d ./d/file ./d/gone ./dir ./dir/new ./file ./m ./m/n ./m/n/x ./o ./o/in ./q ./w '");
		CHECK(whiteout("layer/d/gone") && opaque("layer/dir") && opaque("layer/o") && opaque("layer/q"));
		CHECK(whiteout("layer/w") && whiteout("layer/m/n/x") && !opaque("layer/d") && !whiteout("layer/file"));
		CHECK(getxattr("layer/m/n", "trusted.overlay.origin", NULL, 0) == 0);
		SHELL("test \"$(stat -c '%a %u:%g %Y' layer/m)\" = '2750 3:4 99' && getfattr -n user.x layer/m >/dev/null && "
		      "test $(stat -c %Y layer) = 98");

		begin(DELTA_AUFS);
		u.nparents = 1;
		whiteouts_and_entries(backwards);
		CHECK(extract() == 0);
		SHELL("test \"$(cd layer && find . | LC_ALL=C sort | tr '\\n' ' ')\" = '. ./.wh..wh.aufs ./.wh.w ./d ./d/.wh.gone "
		      "./d/file ./dir ./dir/.wh..wh..opq ./dir/new ./file ./m ./m/n ./m/n/.wh.x ./o ./o/.wh..wh..opq "
		      "./o/in ./q ./q/.wh..wh..opq '");
	}
}

static void an_opaque_top_hides_each_name_below(void)
{
	begin(DELTA_OVERLAY);
	u.nparents = 1;
	SHELL("mkdir below/a below/b && touch below/c below/d && mknod below/e c 0 0");
	FILE_("b/.wh.x");
	FILE_("b/new");
	FILE_("d");
	FILE_(".wh..wh..opq");
	CHECK(extract() == 0);
	CHECK(whiteout("layer/a") && opaque("layer/b") && whiteout("layer/c") && !whiteout("layer/d"));
	CHECK(!there("layer/e") && !there("layer/b/x") && !opaque("layer"));
}

static void a_base_layer_has_no_whiteouts(void)
{
	begin(DELTA_OVERLAY);
	FILE_(".wh.x");
	FILE_("d/.wh.y");
	FILE_(".wh..wh..opq");
	FILE_("e/.wh..wh..opq");
	FILE_("f");
	CHECK(extract() == 0);
	SHELL("test \"$(ls -A layer)\" = f && test $(stat -c %a layer) = 755");
}

static void the_last_of_several_entries_of_a_name_counts(void)
{
	begin(DELTA_OVERLAY);
	pax("SCHILY.xattr.user.old", "y");
	add("d", '5', 0700, NULL);
	FILE_("d/in");
	add("d", '5', 02711, NULL);
	DIR_("x/y/z");
	add("x", '0', 0600, "file");
	FILE_("l");
	SYMLINK("l", "d");
	SYMLINK("l", "e");
	CHECK(extract() == 0);
	SHELL("test $(stat -c %a layer/d) = 2711 && test -f layer/d/in && test -f layer/x && test $(readlink layer/l) = e && "
	      "test -z \"$(getfattr -m user layer/d)\"");
	begin(DELTA_OVERLAY);
	SYMLINK("./", "../outside");
	refused("./: the layer's top");
}

static void a_device_has_a_number_that_linux_has_or_is_refused(void)
{
	static const struct {
		size_t at;
		long long number;
	} others[] = { { MAJOR_AT, 4096 },    { MAJOR_AT, (1LL << 32) + 8 }, { MAJOR_AT, -1 },
		       { MINOR_AT, 1048576 }, { MINOR_AT, (1LL << 32) + 8 }, { MINOR_AT, 1LL << 32 } };
	struct stat st;

	for (const char *type = "34"; *type; type++) {
		begin(DELTA_OVERLAY);
		patch_number(MAJOR_AT, 8, 4095);
		patch_number(MINOR_AT, 8, 1048575);
		add("d", *type, 0600, NULL);
		patch(MAJOR_AT, "0000010", 8);
		patch(MINOR_AT, "3777777", 8);
		add("e", *type, 0600, NULL);
		CHECK(extract() == 0 && lstat("layer/d", &st) == 0 && st.st_rdev == makedev(4095, 1048575));
		CHECK(lstat("layer/e", &st) == 0 && st.st_rdev == makedev(8, 1048575));
		for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
			begin(DELTA_OVERLAY);
			patch_number(others[i].at, 8, others[i].number);
			add("d", *type, 0600, NULL);
			refused("d: a device number that Linux does not have");
		}
	}
	begin(DELTA_OVERLAY);
	pax("SCHILY.devmajor", "8");
	pax("SCHILY.devminor", "3");
	add("d", '4', 0600, NULL);
	CHECK(extract() == 0 && lstat("layer/d", &st) == 0 && st.st_rdev == makedev(8, 3));
	begin(DELTA_OVERLAY);
	pax("SCHILY.devmajor", "4294967304");
	add("d", '4', 0600, NULL);
	refused("d: a device number that Linux does not have");
	begin(DELTA_OVERLAY);
	pax("SCHILY.devminor", "3x");
	add("d", '4', 0600, NULL);
	refused("a pax record 'SCHILY.devminor=3x': it is no number");
}

/* GNU's header has times where POSIX's has the beginning of a long name; some programs mixed both. */
static void a_gnu_header_has_no_prefix(void)
{
	static const char *const prefixes[] = { "usr/share",	"0", "0123", "0123456789", "12345678901234",
						"01234567012/x" };
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		begin(DELTA_OVERLAY);
		patch(MAGIC_AT, "ustar  ", 8);
		patch(PREFIX_AT, prefixes[i], strlen(prefixes[i]));
		FILE_("name");
		refused("GNU");
	}
	/* The times, in both forms, and the same prefix in a header of POSIX's. */
	begin(DELTA_OVERLAY);
	patch(MAGIC_AT, "ustar  ", 8);
	patch(PREFIX_AT, "00000000005", 12);
	patch(PREFIX_AT + 12, "00000000006 ", 12);
	FILE_("octal");
	patch(MAGIC_AT, "ustar  ", 8);
	patch_number(PREFIX_AT, 12, 5);
	FILE_("binary");
	patch(PREFIX_AT, "usr/share", 9);
	FILE_("name");
	CHECK(extract() == 0 && there("layer/octal") && there("layer/usr/share/name"));
	CHECK(stat("layer/octal", &st) == 0 && st.st_atime == 5 && stat("layer/binary", &st) == 0 && st.st_atime == 5);
}

static void a_time_before_1970_is_right_or_refused(void)
{
	static const char *const bad[] = { "-1.5", "-0.5", "-0.000000001", "-100.25" };
	struct stat st;

	begin(DELTA_OVERLAY);
	patch_number(MTIME_AT, 12, -5);
	FILE_("binary");
	pax("mtime", "-6");
	FILE_("record");
	pax("mtime", "-2000000000.000");
	pax("atime", "-7");
	FILE_("old");
	CHECK(extract() == 0);
	CHECK(stat("layer/binary", &st) == 0 && st.st_mtime == -5);
	CHECK(stat("layer/record", &st) == 0 && st.st_mtime == -6);
	CHECK(stat("layer/old", &st) == 0 && st.st_mtime == -2000000000 && st.st_atime == -7);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		for (int k = 0; k < 2; k++) {
			begin(DELTA_OVERLAY);
			pax(k ? "atime" : "mtime", bad[i]);
			FILE_("f");
			refused(": a time before 1970 with a fraction");
		}
	}
}

/* Of this many bytes, in directories of 100. */
static const char *long_name(size_t n)
{
	static char name[4096];

	for (size_t i = 0; i < n; i++)
		name[i] = i % 100 == 99 && i + 1 < n ? '/' : 'n';
	name[n] = '\0';
	return name;
}

static void a_hard_link_may_be_of_any_length(void)
{
	static const size_t lengths[] = { 99, 100, 101, 155, 255, 256, 257, 1000, 4000, 4094 };

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		for (int gnu = 0; gnu < 2; gnu++) {
			const char *target = long_name(lengths[i]);
			struct stat st;

			begin(DELTA_OVERLAY);
			pax("path", target);
			FILE_("f");
			if (gnu) {
				patch(MAGIC_AT, "ustar  ", 8);
				header("././@LongLink", 'K', 0644, strlen(target) + 1, NULL);
				put(target, strlen(target) + 1);
				patch(MAGIC_AT, "ustar  ", 8);
			} else {
				pax("linkpath", target);
			}
			HARDLINK("l", target);
			CHECK(extract() == 0 && lstat("layer/l", &st) == 0 && st.st_nlink == 2);
			SHELL("sed 's/^/# /' said");
		}
	}
	begin(DELTA_OVERLAY);
	FILE_(long_name(100));
	HARDLINK("l", long_name(100));
	CHECK(extract() == 0 && there("layer/l"));
}

static void ids_are_mapped_and_others_refused(void)
{
	static const char capability[20] = { 0x01, 0, 0, 0x02, 0, 0x20 };

	CHECK(map.n || idmap_add(&map, "b:0:100000:65536") == 0);
	CHECK(idmap_add(&map, "u:1:5:1") < 0 && idmap_add(&map, "x:0:0:1") < 0 && idmap_add(&map, "u:70000:0") < 0);
	begin(DELTA_OVERLAY);
	u.idmap = &map;
	pax("uid", "7");
	pax("SCHILY.acl.access", "user::rw-,user:joe:r-x:1000,group::r--,mask::r-x,other::---");
	pax_bytes("SCHILY.xattr.security.capability", capability, sizeof(capability));
	FILE_("f");
	CHECK(extract() == 0);
	SHELL("test $(stat -c %u:%g layer/f) = 100007:100000 && getfacl -cpn layer/f | grep -qx user:101000:r-x && "
	      "getfattr -e hex -n security.capability layer/f | grep -q a0860100");
	begin(DELTA_OVERLAY);
	u.idmap = &map;
	pax("uid", "65536");
	FILE_("f");
	refused("f: owner 65536");
	begin(DELTA_OVERLAY);
	u.idmap = &map;
	pax("SCHILY.acl.access", "user::rw-,user:joe:r-x,group::r--,mask::r-x,other::---");
	FILE_("f");
	refused("f: its ACL is for 'joe'");
}

static void zeros_and_holes_take_no_room(void)
{
	_cleanup_free_ char *zeros = xcalloc(1, 4 << 20);

	begin(DELTA_OVERLAY);
	header("zeros", '0', 0644, 4 << 20, NULL);
	zeros[0] = zeros[(4 << 20) - 1] = 'x';
	put(zeros, 4 << 20);
	pax("GNU.sparse.major", "1");
	pax("GNU.sparse.minor", "0");
	pax("GNU.sparse.name", "sparse");
	pax("GNU.sparse.realsize", "1099511627776");
	add("GNUSparseFile.0/sparse", '0', 0644, NULL);
	CHECK(lseek(tar_fd, -512, SEEK_CUR) > 0);
	header("GNUSparseFile.0/sparse", '0', 0644, 1024, NULL);
	memset(zeros, 0, 1024);
	(void)snprintf(zeros, 512, "2\n1048576\n512\n1099511627776\n0\n");
	memset(zeros + 512, 'y', 512);
	put(zeros, 1024);
	CHECK(extract() == 0 && u.size > 512 && u.size <= 16384);
	SHELL("test $(stat -c %s layer/zeros) = 4194304 && test $(stat -c %b layer/zeros) -le 64 && "
	      "test $(stat -c %s layer/sparse) = 1099511627776 && test $(stat -c %b layer/sparse) -le 64 && "
	      "test $(dd if=layer/sparse bs=512 skip=2048 count=1 2>/dev/null | tr -d y | wc -c) = 0");
}

static void a_size_that_lies_is_refused(void)
{
	begin(DELTA_OVERLAY);
	header("f", '0', 0644, 077777777777, NULL);
	put("text", 4);
	refused("f: ");
	begin(DELTA_OVERLAY);
	header("a", '0', 0644, 0, NULL);
	CHECK(lseek(tar_fd, 0, SEEK_SET) == 0);
	CHECK(extract_from(tar_fd) < 0); /* cut off between two files */
	begin(DELTA_OVERLAY);
	pax("GNU.sparse.major", "1");
	pax("GNU.sparse.minor", "0");
	pax("GNU.sparse.realsize", "10");
	add("sparse", '0', 0644, "1\n1048576\n512\n");
	refused("the tar: the tar is damaged");
	begin(DELTA_OVERLAY);
	FILE_("a");
	put("garbage", 7);
	refused("entry 2");
	begin(DELTA_OVERLAY);
	CHECK(extract_from(tar_fd) == -ENODATA);
}

static void limits_hold(void)
{
	char deep[4096] = "";

	begin(DELTA_OVERLAY);
	u.limits.bytes = 7;
	add("a", '0', 0644, "1234");
	add("b", '0', 0644, "1234");
	refused("b: more than 7 bytes of data; --max-bytes= sets this limit");
	begin(DELTA_OVERLAY);
	u.limits.entries = 1;
	FILE_("a");
	FILE_("b");
	refused("b: more than 1 entries");
	/* What is only implied is one, too. */
	begin(DELTA_OVERLAY);
	u.limits.entries = 2;
	FILE_("a/b/c");
	refused("more than 2 entries; --max-entries= sets this limit");
	/* And bytes that are in headers only. */
	begin(DELTA_OVERLAY);
	u.limits.bytes = 7;
	for (size_t i = 0; i < 3000; i++)
		SYMLINK("l", "target");
	refused("l: more than 7 bytes; --max-bytes= sets this limit");
	begin(DELTA_OVERLAY);
	u.limits.attributes = 10;
	pax("SCHILY.xattr.user.x", "12345");
	FILE_("a");
	refused("a: more than 10 bytes");
	begin(DELTA_OVERLAY);
	u.limits.depth = 2048;
	for (size_t i = 0; i < 1000; i++)
		(void)memcpy(deep + 2 * i, "d/", 3);
	pax("path", deep);
	DIR_("x");
	(void)memcpy(deep + 2000, "f", 2);
	pax("path", deep);
	FILE_("x");
	FILE_("end");
	CHECK(extract() == 0);
	SHELL("test $(find layer -name f | wc -c) = 2008 && test $(find layer -type d -newermt @1000000001 | wc -l) = 0");
	begin(DELTA_OVERLAY);
	u.limits.depth = 999;
	pax("path", deep);
	FILE_("x");
	refused("more than 999 nested directories");
}

enum flood { FILES, HEADERS, HOLES, DATA, WHITEOUTS };

struct writer {
	int fd;
	enum flood flood;
	size_t n;
	sem_t begun; /* the writer needs begin(), too, and must be done with it before the reader starts */
};

/* An input without end, or nearly. */
static void *write_flood(void *arg)
{
	struct writer *writer = arg;
	static char block[1 << 16];
	int from;

	begin(DELTA_OVERLAY);
	(void)sem_post(&writer->begun);
	switch (writer->flood) {
	case FILES:
	case WHITEOUTS:
		break;
	case HEADERS: /* for one file */
		for (int i = 0; i < 128; i++)
			header("L", 'g', 0644, 1 << 20, NULL);
		break;
	case HOLES:
		pax("GNU.sparse.major", "1");
		pax("GNU.sparse.minor", "0");
		pax("GNU.sparse.realsize", "1099511627776");
		pax("size", "1099511627776");
		add("sparse", '0', 0644, NULL);
		for (size_t i = 0; i < 512; i++)
			block[i] = i < 9 ? "99999999\n"[i] : "1\n"[(i - 9) % 2];
		put(block, 512);
		break;
	case DATA:
		header("data", '0', 0644, 1ULL << 32, NULL);
		break;
	}
	from = tar_fd;
	CHECK(lseek(from, 0, SEEK_SET) == 0);
	for (ssize_t n; (n = read(from, block, sizeof(block))) > 0;)
		if (write(writer->fd, block, (size_t)n) < 0)
			return NULL;
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = writer->flood == HOLES ? "1\n"[i % 2] : 'x';
	for (size_t i = 0; writer->n == 0 || i < writer->n; i++) {
		if (writer->flood == FILES || writer->flood == WHITEOUTS) {
			size_t size = 0;

			/* The same few names, so that it is the tar that is big and not the layer. */
			(void)ftruncate(tar_fd, 0);
			(void)lseek(tar_fd, 0, SEEK_SET);
			for (size_t k = 0; k < 64; k++, size += 512) {
				char name[64];

				(void)snprintf(name, sizeof(name), writer->flood == FILES ? "d%zu" : "d/.wh.x%zu", k);
				header(name, '5' - (writer->flood == WHITEOUTS) * 5, 0755, 0, NULL);
			}
			(void)lseek(tar_fd, 0, SEEK_SET);
			if (read(tar_fd, block, size) != (ssize_t)size || write(writer->fd, block, size) < 0)
				break;
		} else if (write(writer->fd, block, sizeof(block)) < 0) {
			break;
		}
	}
	(void)close(writer->fd);
	return NULL;
}

static long peak(void)
{
	long kib = 0;
	char line[256];
	FILE *f = fopen("/proc/self/status", "re");

	while (f && fgets(line, sizeof(line), f))
		(void)sscanf(line, "VmHWM: %ld", &kib);
	if (f)
		(void)fclose(f);
	return kib;
}

static void flood(enum flood kind, size_t n, int wanted)
{
	struct writer writer = { .flood = kind, .n = n };
	pthread_t thread;
	int pipes[2], r;

	CHECK(pipe2(pipes, O_CLOEXEC) == 0);
	(void)fcntl(pipes[1], F_SETPIPE_SZ, 1 << 20);
	writer.fd = pipes[1];
	CHECK(sem_init(&writer.begun, 0, 0) == 0);
	CHECK(pthread_create(&thread, NULL, write_flood, &writer) == 0);
	while (sem_wait(&writer.begun) < 0)
		continue;
	u.limits.bytes = 64 << 20;
	u.nparents = kind == WHITEOUTS;
	r = extract_from(pipes[0]);
	(void)close(pipes[0]);
	(void)pthread_join(thread, NULL);
	CHECK(wanted ? r < 0 : r == 0);
	if (peak() > PEAK) {
		printf("# flood %d: %ld KiB\n", (int)kind, peak());
		CHECK(!"memory stays under 32 MiB");
	}
}

static void input_without_end_needs_little_memory(void)
{
	begin(DELTA_OVERLAY);
	flood(DATA, 0, -1);
	flood(HEADERS, 0, -1);
	flood(HOLES, 0, -1);
	flood(FILES, 100000 / 64, -1);
	flood(WHITEOUTS, 60000 / 64, -1);
}

#ifndef __SANITIZE_ADDRESS__
static void a_compression_that_needs_much_memory_is_refused(void)
{
	static const char *const commands[] = { "xz --lzma2=dict=768MiB", "xz -9",
						"zstd -q --ultra -22 --long=31 --single-thread",
						"zstd -q --ultra -22 --long=27 --single-thread" };

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		_cleanup_free_ char *command =
			xasprintf("cd below && echo text >f && tar -cf - f | %s >tar", commands[i]);
		_cleanup_close_ int fd = -EBADF;

		begin(DELTA_OVERLAY);
		SHELL(command);
		fd = open("below/tar", O_RDONLY | O_CLOEXEC);
		CHECK((extract_from(fd) == 0) == (i % 2 == 1));
		if (i % 2 == 0)
			SHELL("grep -q 'needs more memory to decompress than 160 MiB' said");
	}
}
#endif

static void every_compression_is_taken(void)
{
	static const char *const commands[] = { "gzip", "zstd -q", "xz", "bzip2", "sh -c 'head -c 700 | gzip; gzip'" };

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		_cleanup_free_ char *command =
			xasprintf("cd below && echo text >f && tar -cf - f | %s >tar", commands[i]);
		_cleanup_close_ int fd = -EBADF;

		begin(DELTA_OVERLAY);
		SHELL(command);
		fd = open("below/tar", O_RDWR | O_CLOEXEC);
		CHECK(extract_from(fd) == 0);
		SHELL("test \"$(cat layer/f)\" = text");
		/* Cut off at its end. */
		SHELL("truncate -s -3 below/tar && rm -rf layer && mkdir layer");
		CHECK(lseek(fd, 0, SEEK_SET) == 0 && extract_from(fd) < 0);
	}
}

/* libarchive takes each for something else, and does not say so. */
static void a_record_that_would_be_taken_for_another_is_refused(void)
{
	static const struct {
		const char *key, *value, *said;
	} records_[] = {
		{ "uid", "abc", "a pax record 'uid=abc': it is no number" },
		{ "gid", "5x", "a pax record 'gid=5x': it is no number" },
		{ "mtime", "soon", "a pax record 'mtime=soon': it is no number" },
		{ "mtime", "1.2.3", "a pax record 'mtime=1.2.3': it is no number" },
		{ "LIBARCHIVE.xattr.user.a", "!!", "it is not base64" },
		{ "SCHILY.acl.access", "garbage", "SCHILY.acl.access" },
		{ "SCHILY.acl.access", "user::rwx,group::r-x,other::r-x,xyz", "SCHILY.acl.access" },
		{ "SCHILY.acl.access", "user::rwq,group::r-x,other::r-x", "SCHILY.acl.access" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(records_); i++) {
		begin(DELTA_OVERLAY);
		pax(records_[i].key, records_[i].value);
		FILE_("f");
		refused(records_[i].said);
	}
	begin(DELTA_OVERLAY);
	pax_bytes("path", "a\0b", 3);
	FILE_("f");
	refused("a pax record 'path=a': a zero byte is in it");
	begin(DELTA_OVERLAY);
	pax_bytes("linkpath", "a\0b", 3);
	SYMLINK("s", "a");
	refused("a pax record 'linkpath=a': a zero byte is in it");
}

static void a_damaged_acl_is_refused(void)
{
	static const char *const acls[] = {
		"\2\0\0\0",			      /* none */
		"\3\0\0\0\1\0\7\0\377\377\377\377",   /* another version */
		"\2\0\0\0\1\0\7\0\377\377\377\377\1", /* a byte more */
		"\2\0\0\0\3\0\7\0\377\377\377\377",   /* two tags at once */
		"garbage",
	};
	static const size_t sizes[] = { 4, 12, 13, 12, 7 };

	for (size_t i = 0; i < ARRAY_SIZE(acls); i++)
		for (int kind = 0; kind < 2; kind++) {
			begin(DELTA_OVERLAY);
			pax_bytes(kind ? "SCHILY.xattr.system.posix_acl_default"
				       : "SCHILY.xattr.system.posix_acl_access",
				  acls[i], sizes[i]);
			DIR_("d");
			refused("d: its ACL is damaged");
		}
}

static const char *const compressions[] = {
	"gzip", "zstd -q", "xz", "xz --check=crc32", "xz --check=sha256", "bzip2", "sh -c 'head -c 1000 | gzip; gzip'",
};

/* below/tar: a file of bytes that cannot be compressed, in a tar compressed by this command. */
static int compressed(const char *command)
{
	_cleanup_free_ char *make = xasprintf("cd below && head -c 3000 /dev/urandom >f && tar -cf plain f && "
					      "cat plain | %s >tar && rm plain",
					      command);

	begin(DELTA_OVERLAY);
	SHELL(make);
	return open("below/tar", O_RDWR | O_CLOEXEC);
}

static int extract_again(int fd)
{
	SHELL("rm -rf layer && mkdir layer");
	CHECK(lseek(fd, 0, SEEK_SET) == 0);
	return extract_from(fd);
}

/* One bit is flipped in each of many places: the layer is not made, or nothing of it changed (gzip's header). */
static void a_flipped_bit_is_found_in_every_compression(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(compressions); i++) {
		_cleanup_close_ int fd = compressed(compressions[i]);
		off_t size = lseek(fd, 0, SEEK_END);

		CHECK(extract_again(fd) == 0);
		for (off_t at = 0; at < size; at += at < 12 || at > size - 12 ? 1 : 193) {
			unsigned char byte, flipped;

			CHECK(pread(fd, &byte, 1, at) == 1);
			flipped = byte ^ (unsigned char)(1 << at % 8);
			CHECK(pwrite(fd, &flipped, 1, at) == 1);
			if (extract_again(fd) == 0 && system("cmp -s below/f layer/f") != 0) {
				printf("# %s: byte %lld\n", compressions[i], (long long)at);
				CHECK(!"found");
			}
			CHECK(pwrite(fd, &byte, 1, at) == 1);
		}
	}
}

static void only_zeros_may_follow_compressed_data(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(compressions); i++) {
		_cleanup_close_ int fd = compressed(compressions[i]);

		SHELL("head -c 5000 /dev/zero >>below/tar");
		CHECK(extract_again(fd) == 0);
		SHELL("cp below/tar below/zeros && echo x >>below/tar");
		CHECK(extract_again(fd) < 0);
		SHELL("test $(wc -l <said) = 1 && grep -q 'something else is behind its [a-z0-9]* data' said");
		SHELL("mv below/zeros below/tar2 && cat below/tar2 >below/tar && printf '\\037' >>below/tar");
		CHECK(extract_again(fd) < 0);
	}
}

static void what_is_compressed_twice_is_refused(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(compressions); i++) {
		_cleanup_free_ char *again =
			xasprintf("cd below && gzip <tar | cat >inner && %s <inner >tar", compressions[i]);
		_cleanup_close_ int fd = -EBADF;

		begin(DELTA_OVERLAY);
		SHELL("echo x >below/f && tar -C below -cf below/tar f");
		SHELL(again);
		fd = open("below/tar", O_RDONLY | O_CLOEXEC);
		CHECK(extract_again(fd) < 0);
		SHELL("test $(wc -l <said) = 1 && grep -q 'the input is compressed more than once' said");
	}
}

/* To chown(2), the last number means "as it is". */
static void the_last_id_of_all_is_in_no_range(void)
{
	static const char *const refused_ones[] = { "u:4294967295:0:1", "u:0:4294967295:1", "g:4294967294:0:2",
						    "b:0:1:4294967295", "u:0:0:4294967296" };
	struct idmap ids = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(refused_ones); i++)
		CHECK(idmap_add(&ids, refused_ones[i]) < 0);
	CHECK(idmap_add(&ids, "u:4294967294:4294967294:1") == 0);
	CHECK(idmap_add(&ids, "g:0:0:4294967295") == 0);
	idmap_clear(&ids);
}

static void an_end_that_is_missing_is_found_in_every_compression(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(compressions); i++) {
		_cleanup_close_ int fd = compressed(compressions[i]);
		off_t size = lseek(fd, 0, SEEK_END);

		for (off_t less = 1; less < 24; less++) {
			CHECK(ftruncate(fd, size - less) == 0);
			CHECK(extract_again(fd) < 0);
		}
		SHELL("test $(wc -l <said) = 1 && grep -q 'the tar: its [a-z0-9]* data is cut off' said");
	}
}

/* A digest of the file `name` as sha256sum says it. */
static void digest_of(const char *name, unsigned char ret[SHA256_SIZE])
{
	_cleanup_free_ char *command = xasprintf("sha256sum %s", name);
	char text[SHA256_TEXT] = "sha256:";
	FILE *f = popen(command, "re");

	CHECK(f && fread(text + 7, 1, 64, f) == 64 && sha256_parse(text, ret) == 0);
	if (f)
		(void)pclose(f);
}

static void a_digest_is_of_the_input_with_or_without_its_compression(void)
{
	unsigned char digest[SHA256_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(compressions); i++) {
		_cleanup_free_ char *make =
			xasprintf("cd below && echo x >f && tar -cf plain f && cat plain | %s >tar", compressions[i]);
		_cleanup_close_ int fd = -EBADF;

		begin(DELTA_OVERLAY);
		SHELL(make);
		fd = open("below/tar", O_RDONLY | O_CLOEXEC);
		u.digest = digest;
		digest_of("below/tar", digest);
		CHECK(extract_again(fd) == 0);
		digest_of("below/plain", digest);
		CHECK(extract_again(fd) == 0);
		digest[31] ^= 1;
		CHECK(extract_again(fd) < 0);
		SHELL("test $(wc -l <said) = 1 && grep -q 'the tar: its digest is sha256:[0-9a-f]*, and sha256:' said");
	}
	/* What is behind the end of a tar is part of it. */
	SHELL("head -c 30000 /dev/zero >>below/plain; echo x >>below/plain");
	digest_of("below/plain", digest);
	{
		_cleanup_close_ int fd = open("below/plain", O_RDONLY | O_CLOEXEC);

		CHECK(extract_again(fd) == 0);
		digest[0] ^= 1;
		CHECK(extract_again(fd) < 0);
	}
}

int main(void)
{
	static const struct unit_test tests[] = {
		TEST(input_without_end_needs_little_memory),
		TEST(all_that_a_tar_says_of_files_is_on_disk),
		TEST(modes_are_those_of_the_tar_and_not_of_the_umask),
		TEST(a_directory_that_the_tar_comes_back_to_is_what_the_tar_said),
		TEST(a_directory_that_is_moved_out_ends_it_and_nothing_outside_changes),
		TEST(names_are_bytes_in_every_form_of_a_tar),
		TEST(a_long_name_makes_a_short_line),
		TEST(a_whiteout_below_a_file_says_nothing),
		TEST(a_name_that_leads_out_is_refused),
		TEST(nothing_goes_through_a_symlink),
		TEST(a_hard_link_stays_in_its_layer),
		TEST(what_means_something_to_overlay_is_not_taken),
		TEST(names_of_aufs_own_are_left_out),
		TEST(a_whiteout_must_have_a_name_and_be_a_file),
		TEST(a_whiteout_is_of_the_layers_below_in_any_order),
		TEST(an_opaque_top_hides_each_name_below),
		TEST(a_base_layer_has_no_whiteouts),
		TEST(the_last_of_several_entries_of_a_name_counts),
		TEST(a_device_has_a_number_that_linux_has_or_is_refused),
		TEST(a_gnu_header_has_no_prefix),
		TEST(a_time_before_1970_is_right_or_refused),
		TEST(a_hard_link_may_be_of_any_length),
		TEST(ids_are_mapped_and_others_refused),
		TEST(zeros_and_holes_take_no_room),
		TEST(a_size_that_lies_is_refused),
		TEST(limits_hold),
		TEST(a_record_that_would_be_taken_for_another_is_refused),
		TEST(a_damaged_acl_is_refused),
		TEST(every_compression_is_taken),
		TEST(a_flipped_bit_is_found_in_every_compression),
		TEST(only_zeros_may_follow_compressed_data),
		TEST(what_is_compressed_twice_is_refused),
		TEST(the_last_id_of_all_is_in_no_range),
		TEST(an_end_that_is_missing_is_found_in_every_compression),
		TEST(a_digest_is_of_the_input_with_or_without_its_compression),
#ifndef __SANITIZE_ADDRESS__
		TEST(a_compression_that_needs_much_memory_is_refused),
#endif
	};

	(void)signal(SIGPIPE, SIG_IGN);
	(void)umask(022);
	return unit_run(tests, ARRAY_SIZE(tests));
}
