/* SPDX-License-Identifier: MIT */
#include "src/icfs.h"
#include "src/memory.h"
#include "src/version.h"

#include <errno.h>
#include <string.h>

static const struct command *const commands[] = {
        &cmd_mount,  &cmd_policy, &cmd_designs, &cmd_inspect,  &cmd_encode, &cmd_decode,
        &cmd_export, &cmd_report, &cmd_search,  &cmd_evaluate, &cmd_stats,  &cmd_warm,
};

#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_usage(FILE *out)
{
	fputs("Usage: icfs COMMAND [OPTION]... [OPERAND]...\n"
	      "Mount a directory of JPEG files and serve each one as an .ic file, in the layout that a design says.\n"
	      "\nCommands:\n",
	      out);
	for (size_t i = 0; i < NCOMMANDS; i++)
		fprintf(out, "  %-9s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\n  icfs COMMAND --help   about one of them\n"
	      "  icfs --version        what this build is made of\n"
	      "\nExit status: 0 done, 1 something could not be done, 2 the command line is wrong.\n",
	      out);
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < NCOMMANDS; i++) {
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	}
	return NULL;
}

static int run(int argc, char **argv)
{
	const struct command *command;

	if (argc < 2) {
		print_usage(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "help") && argc == 3 && find_command(argv[2])) {
		char *asked[] = {argv[2], (char *)"--help", NULL};
		return find_command(argv[2])->run(2, asked);
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		print_usage(stdout);
		return EXIT_OK;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		print_version();
		return EXIT_OK;
	}
	command = find_command(argv[1]);
	if (command)
		return command->run(argc - 1, argv + 1);
	fail("'%s' is no command of icfs", argv[1]);
	fputs("Try 'icfs --help'.\n", stderr);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	memory_set_up();
	int status = run(argc, argv);

	/* What was printed counts only once it is out: a full disk shows here. */
	if (fflush(stdout) || ferror(stdout)) {
		if (status == EXIT_OK)
			status = fail("standard output: cannot be written: %s", strerror(errno));
	}
	return status;
}
