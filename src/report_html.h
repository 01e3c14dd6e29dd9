/* SPDX-License-Identifier: MIT */
/*
 * report_html.h: the parts of a page that are the same whatever it tells. All of it is well-formed XML too, so that strict
 * parsers take it. What is printed by these functions' callers with printf is theirs to escape.
 */
#pragma once

#include "src/picture_out.h"

/* Text of anybody's: markup is escaped, bytes that are not UTF-8 and control characters come out as U+FFFD, and its direction
 * does not reach beyond it. */
void put_html_text(FILE *out, const char *text);

/* From the doctype to the begin of <main>; `title` is escaped. And the end of it. */
void put_html_head(FILE *out, const char *title);
void put_html_foot(FILE *out);

/* Begin a table in a region that scrolls, by the keyboard as well: its caption, and the headings of its columns, ending with
 * NULL. Columns from the second on are numbers. */
void begin_html_table(FILE *out, const char *caption, const char *const *headings);
void end_html_table(FILE *out);

/* "<td>12.5</td>", or a dash where the number is not finite. */
void put_html_number(FILE *out, int places, double number);

/* "<img .../>", the pixels as a PNG within it. `alt` is escaped. -ENOMEM, -EIO. */
errint_t put_html_picture(FILE *out, const struct picture *picture, const char *alt);
