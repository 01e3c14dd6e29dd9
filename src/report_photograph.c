/* SPDX-License-Identifier: MIT */
#include "src/report.h"
#include "src/report_html.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>

#define LABEL_SIZE 100

/* What a rendition is called, in a table and below it. */
static void name_object(const struct comparison *comparison, char out[LABEL_SIZE])
{
	if (comparison->object.picture.rgb)
		ic_design_print(&comparison->design, out);
	else
		snprintf(out, LABEL_SIZE, "no design is so small");
}

static void name_jpeg(const struct comparison *comparison, char out[LABEL_SIZE])
{
	if (!comparison->jpeg.picture.rgb)
		snprintf(out, LABEL_SIZE, "no JPEG is so small");
	else if (comparison->factor == 1)
		snprintf(out, LABEL_SIZE, "JPEG, quality %d", comparison->quality);
	else
		snprintf(out, LABEL_SIZE, "JPEG, quality %d, sides divided by %u", comparison->quality,
		         comparison->factor);
}

/* --- Pictures ----------------------------------------------------------------------------------------------------- */

static errint_t put_original(FILE *out, const struct photograph *photograph)
{
	char alt[PATH_MAX + LABEL_SIZE];

	snprintf(alt, sizeof(alt), "The photograph %s as it is", photograph->path);
	fputs("<figure>", out);
	errint_t err = put_html_picture(out, &photograph->original, alt);
	fprintf(out,
	        "\n<figcaption>As it is: %" PRIu32 " by %" PRIu32 " pixels, raw %" PRIu64
	        " bytes.</figcaption></figure>\n",
	        photograph->original.width, photograph->original.height, photograph->nbytes);
	return err;
}

static errint_t put_rendition(FILE *out, const struct photograph *photograph, const struct rendition *rendition,
                              const char *name)
{
	char alt[PATH_MAX + 2 * LABEL_SIZE];
	double times = (double)photograph->nbytes / (double)rendition->nbytes;

	if (!rendition->picture.rgb) {
		fprintf(out, "<figure><figcaption>%s.</figcaption></figure>\n", name);
		return 0;
	}
	snprintf(alt, sizeof(alt), "The photograph %s as %s, %.0f times smaller than raw", photograph->path, name,
	         times);
	fputs("<figure>", out);
	errint_t err = put_html_picture(out, &rendition->picture, alt);
	fprintf(out, "\n<figcaption>%s: %zu bytes, PSNR %.2f dB, SSIM %.4f</figcaption></figure>\n", name,
	        rendition->nbytes, rendition->psnr, rendition->ssim);
	return err;
}

static errint_t put_pair(FILE *out, const struct photograph *photograph, const struct comparison *comparison)
{
	char name[LABEL_SIZE];

	fprintf(out, "<h3>%u times smaller</h3>\n<div class=\"pair\">\n", comparison->ratio);
	name_object(comparison, name);
	errint_t err = put_rendition(out, photograph, &comparison->object, name);
	if (!err && comparison->object.picture.rgb) {
		name_jpeg(comparison, name);
		err = put_rendition(out, photograph, &comparison->jpeg, name);
	}
	fputs("</div>\n", out);
	return err;
}

/* The best of those that are so small may be smaller than the next size asks for, too. */
static bool is_as_before(const struct photograph *photograph, unsigned i)
{
	return i && photograph->at[i].object.picture.rgb && photograph->at[i - 1].object.picture.rgb &&
	       ic_design_equal(&photograph->at[i].design, &photograph->at[i - 1].design);
}

static errint_t put_pairs(FILE *out, const struct photograph *photograph)
{
	unsigned shown = 0;
	errint_t err = 0;

	for (unsigned i = 0; !err && i < PHOTOGRAPH_RATIOS; i++) {
		const struct comparison *comparison = &photograph->at[i];
		if (is_as_before(photograph, i)) {
			fprintf(out, "<h3>%u times smaller</h3>\n<p>The same as at %u.</p>\n", comparison->ratio,
			        photograph->at[shown].ratio);
			continue;
		}
		err = put_pair(out, photograph, comparison);
		shown = i;
	}
	return err;
}

/* --- Numbers ------------------------------------------------------------------------------------------------------ */

static void put_row(FILE *out, const struct photograph *photograph, unsigned ratio, const struct rendition *rendition,
                    const char *name)
{
	bool is_there = rendition->picture.rgb;
	double unknown = (double)NAN;

	fprintf(out, "<tr><th scope=\"row\">%u</th><td>%s</td>", ratio, name);
	put_html_number(out, 0, is_there ? (double)rendition->nbytes : unknown);
	put_html_number(out, 1, is_there ? (double)photograph->nbytes / (double)rendition->nbytes : unknown);
	put_html_number(out, 2, is_there ? rendition->psnr : unknown);
	put_html_number(out, 4, is_there ? rendition->ssim : unknown);
	fputs("</tr>\n", out);
}

static void put_numbers(FILE *out, const struct photograph *photograph)
{
	static const char *const headings[] = {"at least, times", "as",   "bytes", "times smaller than raw",
	                                       "PSNR, dB",        "SSIM", NULL};

	begin_html_table(out, "The photograph by designs, and by JPEGs of equal size", headings);
	for (unsigned i = 0; i < PHOTOGRAPH_RATIOS; i++) {
		const struct comparison *comparison = &photograph->at[i];
		char name[LABEL_SIZE];
		name_object(comparison, name);
		put_row(out, photograph, comparison->ratio, &comparison->object, name);
		if (!comparison->object.picture.rgb)
			continue;
		name_jpeg(comparison, name);
		put_row(out, photograph, comparison->ratio, &comparison->jpeg, name);
	}
	end_html_table(out);
}

/* --- All of it ---------------------------------------------------------------------------------------------------- */

static void put_method(FILE *out, const struct photograph *photograph)
{
	fputs("<p>The photograph is <bdi><code>", out);
	put_html_text(out, photograph->path);
	fprintf(out, "</code></bdi>, of %" PRIu32 " by %" PRIu32 " pixels.", photograph->source_width,
	        photograph->source_height);
	if (photograph->source_width != photograph->original.width ||
	    photograph->source_height != photograph->original.height)
		fprintf(out,
		        " So that this page stays small, it was brought to %d pixels along its longer side first, and "
		        "all "
		        "that follows is of that, its raw size too.",
		        PHOTOGRAPH_SIDE_MAX);
	fputs("</p>\n<p>At each size it is shown under the design that the run expects the highest accuracy of, among "
	      "those "
	      "of the 4,104 whose object of it is so much smaller than its raw pixels: chosen for the task, not for "
	      "the eye. "
	      "Beside it is the largest JPEG that is no larger than the object, of the photograph or of it with its "
	      "sides "
	      "divided by 2, 4 or 8, whichever has the highest SSIM. Both are brought back to the photograph's size by "
	      "a "
	      "triangle filter.</p>\n<p>PSNR is that of all three colours, SSIM that of luma (Wang et al. 2004: a "
	      "Gaussian window of 11 by 11 pixels), both against the photograph as it is.</p>\n",
	      out);
}

errint_t put_report_photograph(FILE *out, const struct report *report)
{
	const struct photograph *photograph = report->photograph;
	errint_t err = 0;

	fputs("<section id=\"photograph\">\n<h2>A photograph, many times smaller</h2>\n", out);
	if (photograph) {
		put_method(out, photograph);
		put_numbers(out, photograph);
		err = put_original(out, photograph);
		if (!err)
			err = put_pairs(out, photograph);
	} else {
		fputs("<p>There is none to show: <bdi>", out);
		put_html_text(out, report->no_photograph);
		fputs("</bdi>.</p>\n", out);
	}
	fputs("</section>\n", out);
	return err;
}
