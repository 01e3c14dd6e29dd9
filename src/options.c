/* SPDX-License-Identifier: MIT */
#include "src/options.h"
#include "src/icfs.h"
#include "src/version.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

#define OPTIONS_MAX 24 /* of one command, --help and --version included */
#define VALUE_HELP 'h'
#define VALUE_VERSION 'V'
#define VALUE_FIRST 256 /* getopt's value of a table's first option; above all letters */
#define HELP_COLUMN 26
#define PARTS_MAX 1000000u

/* The tables in getopt's terms. */
struct getopt_tables {
	char letters[2 * OPTIONS_MAX + 3];
	struct option options[OPTIONS_MAX + 1];
};

static void fill_tables(struct getopt_tables *tables, const struct option_entry *entries)
{
	char *letter = tables->letters;
	int n = 0;

	memset(tables, 0, sizeof(*tables));
	/* getopt keeps quiet and tells a missing argument apart. */
	*letter++ = ':';
	*letter++ = VALUE_HELP;
	*letter++ = VALUE_VERSION;
	for (; n < OPTIONS_MAX - 1 && entries[n].name; n++) {
		tables->options[n] = (struct option){.name = entries[n].name,
		                                     .has_arg = entries[n].argument ? required_argument : no_argument,
		                                     .val = VALUE_FIRST + n};
		if (entries[n].letter) {
			*letter++ = entries[n].letter;
			if (entries[n].argument)
				*letter++ = ':';
		}
	}
	tables->options[n++] = (struct option){.name = "help", .has_arg = no_argument, .val = VALUE_HELP};
	tables->options[n] = (struct option){.name = "version", .has_arg = no_argument, .val = VALUE_VERSION};
}

static const struct option_entry *find_entry(const struct option_entry *entries, int value)
{
	if (value >= VALUE_FIRST)
		return &entries[value - VALUE_FIRST];
	while (entries->letter != value)
		entries++;
	return entries;
}

static void print_option(char letter, const char *name, const char *argument, const char *help)
{
	int n = printf("  %c%c%c --%s%s%s", letter ? '-' : ' ', letter ? letter : ' ', letter ? ',' : ' ', name,
	               argument ? "=" : "", argument ? argument : "");

	if (n > HELP_COLUMN - 2) {
		putchar('\n');
		n = 0;
	}
	printf("%*s", HELP_COLUMN - n, "");
	puts(help);
}

static void print_help(const struct command_line *line)
{
	printf("Usage: icfs %s [OPTION]...%s%s\n", line->command, *line->operands ? " " : "", line->operands);
	put_wrapped(stdout, 0, line->about);
	puts("\nOptions:");
	for (const struct option_entry *entry = line->options; entry->name; entry++)
		print_option(entry->letter, entry->name, entry->argument, entry->help);
	print_option(VALUE_HELP, "help", NULL, "print this");
	print_option(VALUE_VERSION, "version", NULL, "print what this build is made of");
	if (line->note) {
		putchar('\n');
		put_wrapped(stdout, 0, line->note);
	}
	if (line->examples)
		printf("\nExamples:\n%s", line->examples);
}

static int apply_option(const struct command_line *line, const struct option_entry *entry, void *settings)
{
	struct ic_why why = {""};

	if (entry->apply(settings, optarg, &why))
		return fail_usage(line->command, "--%s: %s", entry->name, why.text);
	return GO_ON;
}

static int check_operands(const struct command_line *line, int noperands, char **operands)
{
	if (noperands < line->min_operands)
		return fail_usage(line->command, "expected %s", line->operands);
	if (noperands > line->max_operands)
		return fail_usage(line->command, "'%s' is one operand too many", operands[line->max_operands]);
	return GO_ON;
}

int parse_command_line(const struct command_line *line, int argc, char **argv, void *settings, int *ret_first)
{
	struct getopt_tables tables;
	int value, status = GO_ON;

	fill_tables(&tables, line->options);
	optind = 0;
	while (status == GO_ON && (value = getopt_long(argc, argv, tables.letters, tables.options, NULL)) != -1) {
		if (value == VALUE_HELP) {
			print_help(line);
			return EXIT_OK;
		}
		if (value == VALUE_VERSION) {
			print_version();
			return EXIT_OK;
		}
		if (value == ':')
			return fail_usage(line->command, "'%s' needs an argument", argv[optind - 1]);
		if (value == '?' && optopt && optopt < VALUE_FIRST)
			return fail_usage(line->command, "unknown option '-%c'", optopt);
		if (value == '?')
			return fail_usage(line->command, "unknown option '%s', or an argument it does not take",
			                  argv[optind - 1]);
		status = apply_option(line, find_entry(line->options, value), settings);
	}
	if (status == GO_ON)
		status = check_operands(line, argc - optind, argv + optind);
	*ret_first = optind;
	return status;
}

static errint_t fail_range(const char *text, uint64_t min, uint64_t max, struct ic_why *why)
{
	if (max == UINT64_MAX)
		return ic_fail(why, -EINVAL, "'%.40s' is no whole number from %ju up", text, (uintmax_t)min);
	return ic_fail(why, -EINVAL, "'%.40s' is no whole number from %ju to %ju", text, (uintmax_t)min,
	               (uintmax_t)max);
}

/* Digits up to *ret_end; false when there are none, or too many. */
static bool read_digits(const char *text, uint64_t *ret_number, const char **ret_end)
{
	uint64_t number = 0;
	const char *c = text;

	for (; *c >= '0' && *c <= '9'; c++) {
		unsigned digit = (unsigned)(*c - '0');

		if (number > (UINT64_MAX - digit) / 10)
			return false;
		number = 10 * number + digit;
	}
	*ret_number = number;
	*ret_end = c;
	return c != text;
}

errint_t parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret_number, struct ic_why *why)
{
	uint64_t number;
	const char *end;

	if (!read_digits(text, &number, &end) || *end || number < min || number > max)
		return fail_range(text, min, max, why);
	*ret_number = number;
	return 0;
}

errint_t parse_size(const char *text, uint64_t min, uint64_t max, uint64_t *ret_number, struct ic_why *why)
{
	static const char suffixes[] = "KMGT";
	uint64_t number;
	unsigned shift = 0;
	const char *end, *suffix;

	if (!read_digits(text, &number, &end))
		return fail_range(text, min, max, why);
	suffix = *end ? strchr(suffixes, *end) : NULL;
	if (suffix) {
		shift = 10 * (unsigned)(suffix - suffixes + 1);
		end++;
	}
	if (*end)
		return ic_fail(why, -EINVAL,
		               "'%.40s' is no size: a whole number, with K, M, G or T behind it for units of 1024",
		               text);
	if (number > UINT64_MAX >> shift || number << shift < min || number << shift > max)
		return fail_range(text, min, max, why);
	*ret_number = number << shift;
	return 0;
}

errint_t parse_part(const char *text, unsigned *ret_part, unsigned *ret_nparts, struct ic_why *why)
{
	uint64_t part, nparts;
	const char *end, *rest;

	if (!read_digits(text, &part, &end) || *end != '/' || !read_digits(end + 1, &nparts, &rest) || *rest ||
	    part < 1 || part > nparts || nparts > PARTS_MAX)
		return ic_fail(why, -EINVAL, "expected I/N, 1/1 to %u/%u, not '%.40s'", PARTS_MAX, PARTS_MAX, text);
	*ret_part = (unsigned)part - 1;
	*ret_nparts = (unsigned)nparts;
	return 0;
}

errint_t apply_limit_pixels(void *settings, const char *value, struct ic_why *why)
{
	struct ic_limits *limits = settings;

	return parse_number(value, 0, UINT64_MAX, &limits->pixels, why);
}

errint_t apply_limit_memory(void *settings, const char *value, struct ic_why *why)
{
	struct ic_limits *limits = settings;

	return parse_size(value, 0, UINT64_MAX, &limits->memory, why);
}

errint_t apply_limit_scans(void *settings, const char *value, struct ic_why *why)
{
	struct ic_limits *limits = settings;
	uint64_t scans = limits->scans;
	errint_t err = parse_number(value, 0, UINT32_MAX, &scans, why);

	if (!err)
		limits->scans = (uint32_t)scans;
	return err;
}
