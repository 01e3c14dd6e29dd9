/* SPDX-License-Identifier: MIT */
/*
 * errint.h: the one error convention of icfs.
 *
 * A function that can fail returns errint_t: 0, or a negative errno. In codec/ and gpu/ the codes have these meanings; what
 * they mean besides in search/ and fs/, the headers there say of each function:
 *
 *   -EINVAL       the caller's argument is wrong (a design outside the space, a null buffer)
 *   -EBADMSG      the bytes are corrupt: not the format they claim, or damaged beyond use
 *   -EOPNOTSUPP   the bytes are valid but of a kind that icfs does not handle (12-bit JPEG, a later .ic version)
 *   -EFBIG        a limit was passed (pixels, memory, scans)
 *   -ENODATA      the bytes end too early to tell; more of the same file may help
 *   -ERANGE       the picture is not of the size that was asked for, or does not hold the window
 *   -ESTALE       the source changed since it was looked at
 *   -ENODEV       no GPU
 *   -ENOMEM       out of memory
 *
 * ret_ parameters are untouched on failure.
 */
#pragma once

/* What libic exports, to C and to C++; everything else stays inside. */
#if defined(__cplusplus)
#define IC_API extern "C" __attribute__((visibility("default")))
#elif defined(__GNUC__)
#define IC_API __attribute__((visibility("default")))
#else
#define IC_API
#endif

typedef int errint_t;

/* Room for one sentence that says what was wrong, for a log or a message; never needed for control flow. Begin with
 * {""}: a function that fails writes a sentence, or leaves what is there. Functions accept NULL where the caller does not
 * want it. */
struct ic_why {
	char text[400];
};

/* The sentence, or the system's for the code where there is none. Valid as long as `why` is, and until the next call. */
IC_API const char *ic_why_text(const struct ic_why *why, errint_t err);

/* Format a sentence into `why` (which may be NULL) and return `err`, so that a failure is one statement. */
IC_API errint_t ic_fail(struct ic_why *why, errint_t err, const char *format, ...)
#if defined(__GNUC__)
        __attribute__((format(printf, 3, 4)))
#endif
        ;
