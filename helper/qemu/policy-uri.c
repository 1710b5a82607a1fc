/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * policy-uri - match a URI against a bdev.policy.uri line.
 *
 * The components of both are compared, not their texts: 10.0.0.5 does not
 * match 10.0.0.50. Components that a server could interpret in another way,
 * such as `..`, are refused.
 */
#include "policy.h"
#include "../base/cleanup.h"

#include <ctype.h>
#include <strings.h>

#define AUTHORITY_ENDS "/?#"
#define PATH_ENDS      "?#"

/* The components of a URI; they point into its text. */
struct uri {
	const char *scheme, *rest; /* rest: all after the ':' */
	size_t nscheme;
	const char *host; /* NULL: no `//` */
	size_t nhost;
	unsigned long port; /* 0: none given, and the scheme has no default */
	const char *path;
	size_t npath;
	const char *query; /* with its '?' or '#', or "" */
};

static bool is_scheme(const struct uri *uri, const char *name)
{
	return uri->nscheme == strlen(name) && strncasecmp(uri->scheme, name, uri->nscheme) == 0;
}

static unsigned long default_port(const struct uri *uri)
{
	static const struct {
		const char *scheme;
		unsigned long port;
	} ports[] = { { "nbd", 10809 }, { "http", 80 }, { "https", 443 }, { "ftp", 21 },
		      { "ftps", 990 },	{ "ssh", 22 },	{ "sftp", 22 } };

	for (size_t i = 0; i < ARRAY_SIZE(ports); i++)
		if (is_scheme(uri, ports[i].scheme))
			return ports[i].port;
	return 0;
}

/* Split "HOST[:PORT]", where the host may be "[ADDRESS]". Returns false if it is malformed. */
static bool split_authority(struct uri *uri, const char *text, size_t n)
{
	const char *bracket = n && *text == '[' ? memchr(text, ']', n) : NULL, *end = text + n;
	const char *colon = memchr(bracket ?: text, ':', (size_t)(end - (bracket ?: text)));
	char *last;

	if (n && *text == '[' && (!bracket || (bracket + 1 != end && bracket + 1 != colon)))
		return false;
	uri->host = text;
	uri->nhost = colon ? (size_t)(colon - text) : n;
	uri->port = default_port(uri);
	if (!colon || colon + 1 == end)
		return true;
	if (!isdigit((unsigned char)colon[1]))
		return false;
	uri->port = strtoul(colon + 1, &last, 10);
	return last == end && uri->port > 0 && uri->port <= 65535;
}

/* Split a text into the components of a URI. Returns false if it is not a URI. */
static bool split(const char *text, struct uri *ret)
{
	const char *colon = strchr(text, ':');

	*ret = (struct uri){ .scheme = text };
	if (!colon || colon == text)
		return false;
	for (const char *c = text; c < colon; c++)
		if (!isalnum((unsigned char)*c) && !strchr("+.-", *c))
			return false;
	ret->nscheme = (size_t)(colon - text);
	ret->rest = ret->path = colon + 1;
	if (strncmp(ret->rest, "//", 2) == 0) {
		size_t n = strcspn(ret->rest + 2, AUTHORITY_ENDS);

		ret->path = ret->rest + 2 + n;
		if (!split_authority(ret, ret->rest + 2, n))
			return false;
	}
	ret->npath = strcspn(ret->path, PATH_ENDS);
	ret->query = ret->path + ret->npath;
	return true;
}

static int hex(char c)
{
	return isdigit((unsigned char)c)    ? c - '0'
	       : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10
					    : -1;
}

/* Return whether the path, as a server decodes it, has a component `..`, or `..;` as some servers allow parameters. */
static bool has_dots(const char *path, size_t n)
{
	_cleanup_free_ char *text = xcalloc(n + 1, 1);
	size_t out = 0;

	for (size_t i = 0; i < n; i++) {
		bool coded = path[i] == '%' && i + 2 < n && hex(path[i + 1]) >= 0 && hex(path[i + 2]) >= 0;
		char c = coded ? (char)(hex(path[i + 1]) * 16 + hex(path[i + 2])) : path[i];

		i += coded ? 2 : 0;
		text[out++] = c == '\\' || !c ? '/' : c;
	}
	for (const char *c = text; *c; c += strspn(c, "/")) {
		size_t length = strcspn(c, "/");

		if (length >= 2 && strncmp(c, "..", 2) == 0 && (length == 2 || c[2] == ';'))
			return true;
		c += length;
	}
	return false;
}

const char *policy_uri_fault(const char *text)
{
	const char *host = strstr(text, "://");
	struct uri uri;

	/* Up to the '/', as other parsers may not end the authority at '?' or '#'. */
	if (host && memchr(host + 3, '@', strcspn(host + 3, "/")))
		return "a name or password in it would be visible to everybody (ps)";
	if (!split(text, &uri))
		return "not of the form SCHEME:... or SCHEME://HOST[:PORT]/PATH";
	if (has_dots(uri.path, uri.npath))
		return "'..' in its path could lead out of what is allowed; write the path without it";
	return NULL;
}

/* Return whether the path of the URI is that of the line or below it, by whole components; a line without a path
 * matches all. */
static bool is_below(const struct uri *line, const struct uri *uri)
{
	size_t n = line->npath;

	while (n && line->path[n - 1] == '/')
		n--;
	return uri->npath >= n && strncmp(uri->path, line->path, n) == 0 &&
	       (!n || uri->npath == n || uri->path[n] == '/');
}

bool policy_uri_matches(const char *line_text, const char *text)
{
	struct uri line, uri;

	if (policy_uri_fault(line_text) || policy_uri_fault(text) || !split(line_text, &line) || !split(text, &uri))
		return false;
	if (line.nscheme != uri.nscheme || strncasecmp(line.scheme, uri.scheme, uri.nscheme) != 0)
		return false;
	if (!*line.rest || strcmp(line.rest, "//") == 0)
		return true;
	if (is_scheme(&uri, "nbd+unix"))
		return strcmp(line.rest, uri.rest) == 0;
	if (!line.host != !uri.host)
		return false;
	if (line.host && (!line.nhost || line.nhost != uri.nhost || strncasecmp(line.host, uri.host, uri.nhost) != 0 ||
			  line.port != uri.port))
		return false;
	/* A line with a query matches exactly. */
	if (*line.query)
		return line.npath == uri.npath && strncmp(line.path, uri.path, uri.npath) == 0 &&
		       strcmp(line.query, uri.query) == 0;
	return is_below(&line, &uri);
}
