/* SPDX-License-Identifier: MIT */
#include "src/report_html.h"

#include "fs/utf8.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

/* Colours have a contrast of 4.5 or more with the ground where they are text, of 3 where they are marks; marks differ in
 * shape as well. */
static const char style[] =
        ":root{color-scheme:light dark;--ground:#fff;--ink:#1a1a1a;--soft:#555;--line:#c4c4c4;--band:#f2f2f2;"
        "--link:#0b57a4;--estimated:#707070;--sampled:#0b61a4;--verified:#a83a12;--frontier:#1c7c3c;--chosen:#7a1fa2;"
        "--reference:#1a1a1a;--baseline:#8a6d00}\n"
        "@media (prefers-color-scheme:dark){:root{--ground:#161616;--ink:#eaeaea;--soft:#b4b4b4;--line:#555;"
        "--band:#222;--link:#8ec5ff;--estimated:#929292;--sampled:#6db3f2;--verified:#ff9a6c;--frontier:#6fd08c;"
        "--chosen:#dd9bf5;--reference:#fff;--baseline:#e3c14a}}\n"
        "*{box-sizing:border-box}\n"
        "body{margin:0;background:var(--ground);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}\n"
        "main,header,footer{max-width:60rem;margin:0 auto;padding:0 1rem}\n"
        "h1{line-height:1.2;overflow-wrap:anywhere}h2{margin-top:2.5rem;border-bottom:1px solid var(--line)}\n"
        "p,li,dd{max-width:46rem;overflow-wrap:anywhere}a{color:var(--link)}\n"
        "a:focus-visible,[tabindex]:focus-visible{outline:3px solid var(--link);outline-offset:2px}\n"
        ".skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:.5rem;background:var(--ground);padding:.5rem}\n"
        "nav ul{padding-left:1.2rem}\n"
        "dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem}dt{color:var(--soft)}dd{margin:0}\n"
        "figure{margin:1.5rem 0}figcaption{color:var(--soft);max-width:46rem}\n"
        "img{display:block;max-width:100%;height:auto;outline:1px solid var(--line)}\n"
        ".pair{display:flex;flex-wrap:wrap;gap:0 1.5rem}.pair figure{flex:0 1 25rem;margin:.5rem 0}\n"
        "svg{display:block;width:100%;height:auto;font:13px system-ui,sans-serif}\n"
        "svg text{fill:var(--ink)}.grid{stroke:var(--line);stroke-width:.6;opacity:.6}.frame{fill:none;"
        "stroke:var(--soft)}\n"
        ".table{overflow:auto;max-height:26rem;margin:1rem 0;border:1px solid var(--line)}\n"
        "table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}\n"
        "caption{text-align:left;padding:.4rem .6rem;font-weight:600}\n"
        "th,td{padding:.15rem .6rem;text-align:right;white-space:nowrap}\n"
        "th:first-child,td:last-child.words{text-align:left}td.words{white-space:normal}\n"
        "thead th{position:sticky;top:0;background:var(--band)}tbody tr:nth-child(even){background:var(--band)}\n"
        "code{font-family:ui-monospace,monospace}\n"
        ".estimated{stroke:var(--estimated)}.sampled{stroke:var(--sampled)}.verified{stroke:var(--verified)}\n"
        ".frontier{stroke:var(--frontier)}.chosen{stroke:var(--chosen)}.reference{stroke:var(--reference)}"
        ".baseline{stroke:var(--baseline)}.number{font-size:10px}\n"
        ".dots{fill:none;stroke-width:2.6;stroke-linecap:round;opacity:.75}.mark{fill:var(--ground);stroke-width:1.6}\n"
        ".mark.verified,.mark.reference{fill:currentColor}.verified{color:var(--verified)}"
        ".reference{color:var(--reference)}\n"
        ".chosen.mark{fill:none;stroke-width:3}.curve{fill:none;stroke-width:1.6}\n"
        "rect.read{fill:var(--sampled)}rect.decode{fill:var(--verified)}rect.model{fill:var(--estimated)}\n"
        "@media print{:root{--ground:#fff;--ink:#000;--soft:#333;--line:#999;--band:#fff;--estimated:#666;"
        "--sampled:#0b61a4;--verified:#a83a12;--frontier:#1c7c3c;--chosen:#7a1fa2;--reference:#000;--baseline:#8a6d00}"
        "body{font-size:9.5pt}nav,.skip{display:none}.table{max-height:none;overflow:visible;border:0}"
        "figure,tr{break-inside:avoid}h2,h3,caption{break-after:avoid}thead th{position:static}}\n";

void put_html_text(FILE *out, const char *text)
{
	while (*text) {
		size_t n = utf8_length(text);

		if (!n || utf8_is_control(text, n))
			fputs("\xef\xbf\xbd", out);
		else if (*text == '&')
			fputs("&amp;", out);
		else if (*text == '<')
			fputs("&lt;", out);
		else if (*text == '>')
			fputs("&gt;", out);
		else if (*text == '"')
			fputs("&quot;", out);
		else if (*text == '\'')
			fputs("&#39;", out);
		else
			fwrite(text, 1, n, out);
		text += n ? n : 1;
	}
}

void put_html_head(FILE *out, const char *title)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
	      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
	      "img-src data:\"/>\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>",
	      out);
	put_html_text(out, title);
	fprintf(out, "</title>\n<style>\n%s</style>\n</head>\n<body>\n", style);
	fputs("<a class=\"skip\" href=\"#main\">Skip to the findings</a>\n<main id=\"main\">\n", out);
}

void put_html_foot(FILE *out)
{
	fputs("</main>\n</body>\n</html>\n", out);
}

void begin_html_table(FILE *out, const char *caption, const char *const *headings)
{
	fprintf(out,
	        "<div class=\"table\" role=\"region\" tabindex=\"0\" aria-label=\"%s\">\n<table>\n"
	        "<caption>%s</caption>\n<thead><tr>",
	        caption, caption);
	for (; *headings; headings++)
		fprintf(out, "<th scope=\"col\">%s</th>", *headings);
	fputs("</tr></thead>\n<tbody>\n", out);
}

void end_html_table(FILE *out)
{
	fputs("</tbody>\n</table>\n</div>\n", out);
}

void put_html_number(FILE *out, int places, double number)
{
	if (fabs(number) >= 1e15 && isfinite(number))
		fprintf(out, "<td>%.3e</td>", number);
	else if (isfinite(number))
		fprintf(out, "<td>%.*f</td>", places, number);
	else
		fputs("<td>-</td>", out);
}

/* --- Pictures ----------------------------------------------------------------------------------------------------- */

/* RFC 4648, section 4. */
static void put_base64(FILE *out, const uint8_t *bytes, size_t nbytes)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < nbytes; i += 3) {
		size_t n = nbytes - i < 3 ? nbytes - i : 3;
		uint32_t group = 0;
		for (size_t j = 0; j < 3; j++)
			group = group << 8 | (j < n ? bytes[i + j] : 0);
		for (size_t j = 0; j < 4; j++)
			putc(j <= n ? digits[group >> (18 - 6 * j) & 63] : '=', out);
	}
}

errint_t put_html_picture(FILE *out, const struct picture *picture, const char *alt)
{
	char *png = NULL;
	size_t nbytes = 0;
	FILE *memory = open_memstream(&png, &nbytes);

	if (!memory)
		return -ENOMEM;
	errint_t err = picture_writer("png")(picture, memory, NULL);
	if (fclose(memory))
		err = -ENOMEM;
	if (!err) {
		fprintf(out, "<img width=\"%u\" height=\"%u\" alt=\"", picture->width, picture->height);
		put_html_text(out, alt);
		fputs("\" src=\"data:image/png;base64,", out);
		put_base64(out, (const uint8_t *)png, nbytes);
		fputs("\"/>", out);
	}
	free(png);
	return err;
}
