/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"
#include "qemu/header.h"

#include <fcntl.h>
#include <sys/stat.h>

/* In it, `create` is qemu-img create without looking at what the new image names. */
#define QEMU(command) CHECK(system("create() { qemu-img create -q -u -f \"$@\"; }; " command) == 0)

static char dir[] = "/tmp/lxc-bdev-unit.XXXXXX";
static struct header_refs refs;
static char *reason;

/* Read the file as that format; what was found is in `refs` and `reason` until the next time. */
static int look(const char *file, const char *format)
{
	_cleanup_close_ int fd = open(file, O_RDONLY | O_CLOEXEC);
	int r;

	CHECK(fd >= 0);
	header_clear(&refs);
	free(TAKE_PTR(reason));
	r = header_read(fd, format, &refs, &reason);
	CHECK((r < 0) == (reason != NULL));
	if (r < 0)
		CHECK(!refs.size && !refs.backing && !refs.backing_format && !refs.data_file && !refs.readonly);
	return r;
}

static bool refused(const char *file, const char *format, const char *why)
{
	bool as_wanted = look(file, format) == -EINVAL && strstr(reason, why);

	if (!as_wanted)
		printf("# as %s: %s\n", format, reason ?: "(accepted)");
	return as_wanted;
}

static void patch(const char *file, off_t at, const void *bytes, size_t n)
{
	_cleanup_close_ int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	CHECK(fd >= 0 && pwrite(fd, bytes, n, at) == (ssize_t)n);
}

/* A number in the file, the most significant byte first. */
static void patch_be(const char *file, off_t at, uint64_t value, size_t bytes)
{
	uint8_t b[8];

	for (size_t i = 0; i < bytes; i++)
		b[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
	patch(file, at, b, bytes);
}

static void patch_le(const char *file, off_t at, uint64_t value, size_t bytes)
{
	uint8_t b[8];

	for (size_t i = 0; i < bytes; i++)
		b[i] = (uint8_t)(value >> 8 * i);
	patch(file, at, b, bytes);
}

/* Where the bytes are in the file's first 64 KiB. */
static off_t find(const char *file, const char *bytes, size_t n)
{
	static char buffer[65536];
	_cleanup_close_ int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t size = pread(fd, buffer, sizeof(buffer), 0);
	const char *at = size > 0 ? memmem(buffer, (size_t)size, bytes, n) : NULL;

	CHECK(at);
	return at ? at - buffer : 0;
}

static void formats_have_their_names_and_one_alias(void)
{
	CHECK_STRING("raw", header_find("raw"));
	CHECK_STRING("qcow2", header_find("qcow2"));
	CHECK_STRING("qed", header_find("qed"));
	CHECK_STRING("vdi", header_find("vdi"));
	CHECK_STRING("vmdk", header_find("vmdk"));
	CHECK_STRING("vhdx", header_find("vhdx"));
	CHECK_STRING("vpc", header_find("vpc"));
	CHECK_STRING("vpc", header_find("vhd"));
	CHECK(!header_find("") && !header_find("qcow") && !header_find("QCOW2") && !header_find("img"));
	CHECK(header_writable("qcow2") && header_writable("vhd") && !header_writable("luks"));
	QEMU("echo x >a");
	CHECK(refused("a", "luks", "unknown format"));
}

static void an_extension_stands_for_a_format_in_any_case(void)
{
	CHECK_STRING("raw", header_by_extension("/a.b/c.raw"));
	CHECK_STRING("raw", header_by_extension("c.IMG"));
	CHECK_STRING("qcow2", header_by_extension("c.d.Qcow2"));
	CHECK_STRING("qed", header_by_extension("c.qed"));
	CHECK_STRING("vdi", header_by_extension("c.vdi"));
	CHECK_STRING("vmdk", header_by_extension("c.vmdk"));
	CHECK_STRING("vhdx", header_by_extension("c.vhdx"));
	CHECK_STRING("vpc", header_by_extension("c.VHD"));
	CHECK_STRING("vpc", header_by_extension("c.vpc"));
	CHECK(!header_by_extension("qcow2") && !header_by_extension("a.qcow2/b") && !header_by_extension("a.") &&
	      !header_by_extension("") && !header_by_extension("a.iso") && !header_by_extension("a.qcow2 "));
}

static void an_image_is_only_ever_read_as_the_format_that_is_said(void)
{
	static const char *const formats[] = { "qcow2", "qed", "vdi", "vmdk", "vhdx", "vpc" };

	QEMU("for f in qcow2 qed vdi vmdk vhdx vpc; do create $f x.$f 8M || exit; done");
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		_cleanup_free_ char *file = xasprintf("x.%s", formats[i]);

		for (size_t j = 0; j < ARRAY_SIZE(formats); j++)
			if (i != j)
				CHECK(refused(file, formats[j], "its header says otherwise"));
		CHECK(look(file, formats[i]) == 0);
		CHECK(!refs.backing && !refs.backing_format && !refs.data_file && !refs.readonly);
		CHECK(refs.size == (strcmp(formats[i], "vhdx") && strcmp(formats[i], "vpc") ? 8 << 20 : 0));
	}
}

static void a_raw_image_refers_to_nothing_whatever_it_holds(void)
{
	QEMU("create qcow2 a -b /etc/passwd -F raw 8M && truncate -s 1000001 a");
	CHECK(look("a", "raw") == 0 && refs.size == 1000001 && !refs.backing && !refs.data_file);
	QEMU(": >a");
	CHECK(look("a", "raw") == 0 && refs.size == 0);
}

static void a_qcow2_names_its_backing_file_and_format(void)
{
	QEMU("create qcow2 v3 -b 'dir/a b' -F raw 8M; create qcow2 v2 -o compat=0.10 -b /b -F qcow2 4096");
	CHECK(look("v3", "qcow2") == 0 && refs.size == 8 << 20);
	CHECK_STRING("dir/a b", refs.backing);
	CHECK_STRING("raw", refs.backing_format);
	CHECK(look("v2", "qcow2") == 0 && refs.size == 4096);
	CHECK_STRING("/b", refs.backing);
	CHECK_STRING("qcow2", refs.backing_format);
}

static void a_backing_format_that_a_header_does_not_say_is_not_made_up(void)
{
	QEMU("create qcow2 a -b b -F raw 8M; cp a empty");
	patch_be("a", find("a", "\xe2\x79\x2a\xca", 4), 0x12345678, 4);
	CHECK(look("a", "qcow2") == 0 && !refs.backing_format);
	CHECK_STRING("b", refs.backing);
	patch_be("empty", find("empty", "\xe2\x79\x2a\xca", 4) + 4, 0, 4);
	patch_be("empty", find("empty", "raw\0", 4), 0, 4);
	CHECK(look("empty", "qcow2") == 0 && !refs.backing_format);
	CHECK_STRING("b", refs.backing);
	QEMU("create qed a -b b -F qcow2 8M");
	CHECK(look("a", "qed") == 0 && !refs.backing_format);
	CHECK_STRING("b", refs.backing);
}

static void a_qcow2_names_its_data_file_or_lacks_the_name(void)
{
	QEMU("qemu-img create -q -f qcow2 -o data_file=the.data a 8M; cp a b; cp a c");
	CHECK(look("a", "qcow2") == 0);
	CHECK_STRING("the.data", refs.data_file);
	patch_be("b", find("b", "DATA", 4), 0x12345678, 4);
	CHECK(look("b", "qcow2") == 0);
	CHECK_STRING("", refs.data_file);
	/* Without the feature bit, QEMU does not open it. */
	patch_be("c", 72, 0, 8);
	CHECK(look("c", "qcow2") == 0 && !refs.data_file);
}

static void a_qcow2_that_cannot_be_read_safely_is_refused(void)
{
	QEMU("create qcow2 o 8M; for f in a b c d e f g h; do cp o $f; done");
	patch_be("a", 32, 2, 4);
	CHECK(refused("a", "qcow2", "is encrypted, which is not supported"));
	patch_be("b", 4, 4, 4);
	CHECK(refused("b", "qcow2", "version 4"));
	patch_be("b", 4, 1, 4);
	CHECK(refused("b", "qcow2", "version 1"));
	patch_be("c", 72, UINT64_C(1) << 63, 8);
	CHECK(refused("c", "qcow2", "features"));
	patch_be("d", 20, 22, 4);
	CHECK(refused("d", "qcow2", "cluster size"));
	patch_be("d", 20, 0xffffffff, 4);
	CHECK(refused("d", "qcow2", "cluster size"));
	patch_be("e", 100, 0xfffffff8, 4);
	CHECK(refused("e", "qcow2", "header length"));
	patch_be("e", 100, 96, 4);
	CHECK(refused("e", "qcow2", "header length"));
	patch_be("f", 24, UINT64_MAX, 8);
	CHECK(refused("f", "qcow2", "size"));
	patch_be("g", 72, 2, 8);
	CHECK(look("g", "qcow2") == 0 && refs.readonly);
}

static void a_hostile_qcow2_name_is_refused(void)
{
	QEMU("create qcow2 o -b name -F raw 8M; for f in a b c d e f g h i; do cp o $f; done");
	patch_be("a", 16, 0xffffffff, 4);
	CHECK(refused("a", "qcow2", "place"));
	patch_be("a", 16, 1024, 4);
	CHECK(refused("a", "qcow2", "too long"));
	patch_be("a", 16, 0, 4);
	CHECK(look("a", "qcow2") == 0 && !refs.backing && !refs.backing_format);
	patch_be("b", 8, UINT64_MAX, 8);
	CHECK(refused("b", "qcow2", "place"));
	patch_be("b", 8, 65536, 8);
	CHECK(refused("b", "qcow2", "place"));
	patch_be("b", 8, 16, 8);
	CHECK(refused("b", "qcow2", "place"));
	patch("c", find("c", "name", 4), "n\0me", 4);
	CHECK(refused("c", "qcow2", "NUL"));
	patch("d", find("d", "raw\0", 4), "r\0w", 3);
	CHECK(refused("d", "qcow2", "NUL"));
	/* The extensions end where the name begins. */
	patch_be("e", find("e", "\xe2\x79\x2a\xca", 4) + 4, 0xffffffff, 4);
	CHECK(refused("e", "qcow2", "extensions"));
	patch_be("e", find("e", "\xe2\x79\x2a\xca", 4) + 4, 16, 4);
	CHECK(refused("e", "qcow2", "too long"));
	/* The end of the extensions too, for QEMU. */
	patch_be("f", find("f", "\xe2\x79\x2a\xca", 4), 0, 4);
	patch_be("f", find("f", "raw\0", 4) - 4, 0xffffffff, 4);
	CHECK(refused("f", "qcow2", "extensions"));
}

static void extensions_without_an_end_are_left(void)
{
	_cleanup_free_ char *ones = must(malloc(65536));

	QEMU("create qcow2 o 8M; for f in a b; do cp o $f; done");
	memset(ones, 1, 65536);
	patch("a", 112, ones, 65536 - 112);
	CHECK(refused("a", "qcow2", "extensions"));
	for (off_t at = 112; at < 65536; at += 8)
		patch_be("b", at, UINT64_C(0x1234567800000000), 8);
	CHECK(refused("b", "qcow2", "extensions"));
	/* One name in two extensions: which one counts? */
	patch_be("o", 112, 0x4441544100000001, 8);
	patch_be("o", 120, (uint64_t)'x' << 56, 8);
	patch_be("o", 128, 0x4441544100000001, 8);
	patch_be("o", 136, (uint64_t)'y' << 56, 8);
	CHECK(refused("o", "qcow2", "duplicate"));
}

static void the_longest_name_is_read_whole(void)
{
	char name[1025];

	memset(name, 'x', 1024);
	name[1024] = '\0';
	QEMU("create qcow2 a -b name -F raw 8M; create qed b -b name -F raw 8M");
	patch("a", find("a", "name", 4), name, 1024);
	patch("b", 64, name, 1024);
	patch_be("a", 16, 1023, 4);
	patch_le("b", 60, 1023, 4);
	CHECK(look("b", "qed") == 0);
	CHECK_STRING(name + 1, refs.backing);
	CHECK(look("a", "qcow2") == 0);
	CHECK_STRING(name + 1, refs.backing);
	patch_le("b", 60, 1024, 4);
	CHECK(refused("b", "qed", "too long"));
}

static void a_qed_names_its_backing_file(void)
{
	QEMU("create qed a -b some/b -F raw 8M");
	CHECK(look("a", "qed") == 0 && refs.size == 8 << 20);
	CHECK_STRING("some/b", refs.backing);
	CHECK_STRING("raw", refs.backing_format);
	patch("a", find("a", "some/b", 6), "so\0e", 4);
	CHECK(refused("a", "qed", "NUL"));
	patch_le("a", 60, 0xffffffff, 4);
	CHECK(refused("a", "qed", "place"));
	patch_le("a", 56, 0xffffffff, 4);
	CHECK(refused("a", "qed", "place"));
	patch_le("a", 16, 4, 8);
	CHECK(look("a", "qed") == 0 && !refs.backing && !refs.backing_format);
	patch_le("a", 16, 8, 8);
	CHECK(refused("a", "qed", "features"));
}

static void a_vmdk_names_its_parent_whatever_its_parent_cid(void)
{
	QEMU("qemu-img create -q -f vmdk b.vmdk 8M && qemu-img create -q -f vmdk -b b.vmdk -F vmdk a");
	CHECK(look("a", "vmdk") == 0 && refs.size == 8 << 20 && !refs.readonly);
	CHECK_STRING("b.vmdk", refs.backing);
	CHECK_STRING("vmdk", refs.backing_format);
	patch("a", find("a", "parentCID=", 10) + 10, "ffffffff", 8);
	CHECK(look("a", "vmdk") == 0);
	CHECK_STRING("b.vmdk", refs.backing);
}

static void a_vmdk_parent_that_two_readers_could_read_as_two_is_refused(void)
{
	off_t name;

	QEMU("qemu-img create -q -f vmdk b.vmdk 8M && qemu-img create -q -f vmdk -b b.vmdk -F vmdk o;"
	     "for f in a b c d e; do cp o $f; done");
	name = find("o", "=\"b.vmdk\"", 9);
	patch("a", name, "\0", 1);
	CHECK(refused("a", "vmdk", "parentFileNameHint"));
	patch("b", name, " ", 1);
	CHECK(refused("b", "vmdk", "parentFileNameHint"));
	patch("c", name + 4, "\n", 1);
	CHECK(refused("c", "vmdk", "parentFileNameHint"));
	patch("d", name + 4, "\0", 1);
	CHECK(refused("d", "vmdk", "parentFileNameHint"));
	/* The first mention counts, wherever it is. */
	patch("e", find("e", "# Disk", 6), "#parentFileNameHint\n#", 21);
	CHECK(refused("e", "vmdk", "parentFileNameHint"));
	patch("o", name, "=\"\"", 3);
	CHECK(look("o", "vmdk") == 0 && !refs.backing && !refs.backing_format);
}

static void a_vmdk_of_several_files_is_refused(void)
{
	QEMU("for t in monolithicFlat twoGbMaxExtentSparse twoGbMaxExtentFlat monolithicSparse; do "
	     "create vmdk -o subformat=$t $t.vmdk 8M || exit; done");
	CHECK(refused("monolithicFlat.vmdk", "vmdk", "is a VMDK descriptor that names other files"));
	CHECK(refused("twoGbMaxExtentSparse.vmdk", "vmdk", "qemu-img convert -O qcow2"));
	CHECK(refused("twoGbMaxExtentFlat.vmdk", "vmdk", "is a VMDK descriptor that names other files"));
	CHECK(refused("twoGbMaxExtentSparse-s001.vmdk", "vmdk", "VMDK"));
	QEMU("for f in a b c; do cp monolithicSparse.vmdk $f; done");
	patch_le("a", 12, 0, 8);
	CHECK(refused("a", "vmdk", "several files"));
	patch_le("b", 28, 2, 8);
	CHECK(refused("b", "vmdk", "several files"));
	patch("c", find("c", "monolithicSparse", 16), "monolithicFlat\" ", 16);
	CHECK(refused("c", "vmdk", "of type 'monolithicFlat'"));
	patch_le("c", 12, UINT64_MAX / 512, 8);
	CHECK(refused("c", "vmdk", "size"));
	patch("c", 0, "COWD", 4);
	CHECK(refused("c", "vmdk", ""));
}

static void a_stream_optimized_vmdk_is_read_only(void)
{
	uint8_t header[512];
	_cleanup_close_ int fd = -EBADF;

	QEMU("create vmdk -o subformat=streamOptimized a 8M; cp a b");
	CHECK(look("a", "vmdk") == 0 && refs.readonly && refs.size == 8 << 20);
	/* VMware's own: the header in force is the one before the last sector. */
	fd = open("b", O_RDWR | O_CLOEXEC);
	CHECK(pread(fd, header, sizeof(header), 0) == sizeof(header));
	patch_le("b", 56, UINT64_MAX, 8);
	CHECK(refused("b", "vmdk", "footer"));
	CHECK(pwrite(fd, header, sizeof(header), 65536 + 512) == sizeof(header) && ftruncate(fd, 65536 + 1536) == 0);
	patch_le("b", 65536 + 512 + 12, 4 << 11, 8);
	CHECK(look("b", "vmdk") == 0 && refs.readonly && refs.size == 4 << 20);
	CHECK(ftruncate(fd, 512) == 0);
	CHECK(refused("b", "vmdk", "ends within"));
}

static void a_vdi_that_needs_another_is_refused(void)
{
	QEMU("create vdi a 5M; create vdi -o static=on b 5M; cp a c");
	CHECK(look("a", "vdi") == 0 && refs.size == 5 << 20);
	CHECK(look("b", "vdi") == 0 && refs.size == 5 << 20);
	patch_le("a", 76, 4, 4);
	CHECK(refused("a", "vdi", "differencing"));
	patch_le("b", 440, 1, 1);
	CHECK(refused("b", "vdi", "differencing"));
	patch_le("c", 368, 1000, 8);
	CHECK(look("c", "vdi") == 0 && refs.size == 1024);
	patch_le("c", 384, 16 << 20, 4);
	CHECK(look("c", "vdi") == 0);
	patch_le("c", 384, (16 << 20) + 1, 4);
	CHECK(refused("c", "vdi", "block map of over 64 MiB"));
	patch_le("c", 384, 1, 4);
	patch_le("c", 368, UINT64_MAX, 8);
	CHECK(refused("c", "vdi", "size"));
}

static void a_vhd_is_fixed_or_dynamic(void)
{
	QEMU("create vpc a 8M; create vpc -o subformat=fixed b 8M");
	CHECK(look("a", "vhd") == 0 && look("b", "vpc") == 0);
	/* A fixed one's content may not turn it into another kind. */
	patch("b", 0, "conectix", 8);
	CHECK(refused("b", "vpc", "neither a fixed nor a dynamic VHD"));
	patch_be("a", 60, 4, 4);
	CHECK(refused("a", "vpc", "neither a fixed nor a dynamic VHD"));
}

static void a_header_that_is_cut_off_is_refused(void)
{
	static const struct {
		const char *format;
		off_t size;
	} cases[] = { { "qcow2", 512 }, { "qed", 68 }, { "vdi", 512 }, { "vmdk", 512 }, { "vhdx", 8 }, { "vpc", 512 } };

	QEMU("rm -f x.*; for f in vdi vmdk vhdx vpc; do create $f x.$f 8M || exit; done;"
	     "for f in qcow2 qed; do create $f -b name -F raw x.$f 8M || exit; done");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *file = xasprintf("x.%s", cases[i].format);

		CHECK(look(file, cases[i].format) == 0);
		for (off_t size = cases[i].size - 1; size >= 0; size--) {
			CHECK(truncate(file, size) == 0);
			CHECK(look(file, cases[i].format) == -EINVAL);
		}
	}
	CHECK(look(".", "qcow2") == -EISDIR);
}

/* What a mutation may at most be: refused, or read within what the header promises. */
static void check_mutations(const char *file, const char *format, unsigned int n, size_t area)
{
	_cleanup_free_ uint8_t *good = must(malloc(area)), *bad = must(malloc(area));
	_cleanup_close_ int fd = open(file, O_RDWR | O_CLOEXEC);
	uint32_t random = 1;

	CHECK(pread(fd, good, area, 0) == (ssize_t)area);
	for (unsigned int i = 0; i < n; i++) {
		memcpy(bad, good, area);
		for (unsigned int j = 0; j <= i % 4; j++) {
			static const uint8_t values[] = { 0, 1, 0x7f, 0x80, 0xff };
			size_t at;

			random = random * 1664525 + 1013904223;
			at = (random >> 8) % area;
			random = random * 1664525 + 1013904223;
			bad[at] = random >> 31 ? values[(random >> 8) % 5] : (uint8_t)(random >> 16);
		}
		CHECK(pwrite(fd, bad, area, 0) == (ssize_t)area);
		if (look(file, format) < 0)
			continue;
		CHECK(refs.size <= INT64_MAX);
		CHECK(!refs.backing || (*refs.backing && strlen(refs.backing) <= 1023));
		CHECK(!refs.backing_format || (*refs.backing_format && strlen(refs.backing_format) <= 15));
		CHECK(!refs.data_file || strlen(refs.data_file) <= 1023);
	}
}

static void any_mutation_is_read_or_refused(void)
{
	QEMU("qemu-img create -q -f vmdk b.vmdk 8M && qemu-img create -q -f vmdk -b b.vmdk -F vmdk x.vmdk;"
	     "create qcow2 -b name -F raw x.qcow2 8M; create qed -b name -F raw x.qed 8M;"
	     "create qcow2 -o compat=0.10 -b name -F raw y.qcow2 8M; create vdi x.vdi 8M; create vpc x.vpc 8M");
	check_mutations("x.qcow2", "qcow2", 2000, 144);
	check_mutations("x.qcow2", "qcow2", 500, 640);
	check_mutations("y.qcow2", "qcow2", 500, 120);
	check_mutations("x.vmdk", "vmdk", 2000, 79);
	check_mutations("x.vmdk", "vmdk", 2000, 900);
	check_mutations("x.qed", "qed", 500, 80);
	check_mutations("x.vdi", "vdi", 500, 512);
	check_mutations("x.vpc", "vpc", 500, 512);
}

int main(void)
{
	static const struct unit_test tests[] = {
		TEST(formats_have_their_names_and_one_alias),
		TEST(an_extension_stands_for_a_format_in_any_case),
		TEST(an_image_is_only_ever_read_as_the_format_that_is_said),
		TEST(a_raw_image_refers_to_nothing_whatever_it_holds),
		TEST(a_qcow2_names_its_backing_file_and_format),
		TEST(a_backing_format_that_a_header_does_not_say_is_not_made_up),
		TEST(a_qcow2_names_its_data_file_or_lacks_the_name),
		TEST(a_qcow2_that_cannot_be_read_safely_is_refused),
		TEST(a_hostile_qcow2_name_is_refused),
		TEST(extensions_without_an_end_are_left),
		TEST(the_longest_name_is_read_whole),
		TEST(a_qed_names_its_backing_file),
		TEST(a_vmdk_names_its_parent_whatever_its_parent_cid),
		TEST(a_vmdk_parent_that_two_readers_could_read_as_two_is_refused),
		TEST(a_vmdk_of_several_files_is_refused),
		TEST(a_stream_optimized_vmdk_is_read_only),
		TEST(a_vdi_that_needs_another_is_refused),
		TEST(a_vhd_is_fixed_or_dynamic),
		TEST(a_header_that_is_cut_off_is_refused),
		TEST(any_mutation_is_read_or_refused),
	};
	_cleanup_free_ char *clear = NULL;
	int status;

	if (!mkdtemp(dir) || chdir(dir) < 0)
		return 1;
	status = unit_run(tests, ARRAY_SIZE(tests));
	header_clear(&refs);
	free(reason);
	clear = xasprintf("rm -r -- %s", dir);
	return chdir("/") < 0 || system(clear) != 0 || status;
}
