/* SPDX-License-Identifier: MIT */
#include "fs/stats.h"

#include <inttypes.h>

static const char *const request_names[STATS_REQUESTS] = {
        [STATS_LOOKUP] = "lookup",   [STATS_GETATTR] = "getattr",   [STATS_READ] = "read",
        [STATS_READDIR] = "readdir", [STATS_READLINK] = "readlink", [STATS_FORGET] = "forget",
        [STATS_XATTR] = "xattr",     [STATS_OTHER] = "other",
};

static const struct {
	enum stats_counter counter;
	const char *name, *help;
} counters[] = {
        {STATS_OBJECT_BYTES_MADE, "icfs_object_made_bytes_total", "Bytes of objects made from sources."},
        {STATS_OBJECT_BYTES_SERVED, "icfs_object_served_bytes_total", "Bytes of objects given to readers."},
        {STATS_FILE_BYTES_SERVED, "icfs_file_served_bytes_total", "Bytes of other files given to readers."},
        {STATS_SOURCE_BYTES_READ, "icfs_source_read_bytes_total", "Bytes of sources read to make objects."},
        {STATS_FAILURES, "icfs_failures_total", "Objects that could not be made."},
        {STATS_HEADERS_READ, "icfs_headers_read_total", "Sources whose headers were read."},
        {STATS_HEADERS_REMEMBERED, "icfs_headers_remembered_total", "Sources whose headers the catalog knew."},
        {STATS_SIZES_REMEMBERED, "icfs_sizes_remembered_total", "Sizes that the catalog knew."},
        {STATS_STALE, "icfs_stale_total", "Reads refused because the source had changed."},
        {STATS_INVALIDATIONS, "icfs_invalidations_total", "Names that the kernel was told to forget."},
};

void stats_add(struct stats *stats, enum stats_counter counter, uint64_t n)
{
	atomic_fetch_add_explicit(&stats->counters[counter], n, memory_order_relaxed);
}

static uint64_t stats_get(struct stats *stats, enum stats_counter counter)
{
	return atomic_load_explicit(&stats->counters[counter], memory_order_relaxed);
}

static void write_metric(FILE *out, const char *name, const char *type, const char *help, uint64_t value)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n%s %" PRIu64 "\n", name, help, name, type, name, value);
}

static void write_requests(struct stats *stats, FILE *out)
{
	fputs("# HELP icfs_requests_total Requests of the kernel:\n# TYPE icfs_requests_total counter\n", out);
	for (int i = 0; i < STATS_REQUESTS; i++)
		fprintf(out, "icfs_requests_total{kind=\"%s\"} %" PRIu64 "\n", request_names[i], stats_get(stats, i));
}

static void write_seconds(struct stats *stats, FILE *out)
{
	uint64_t ns = stats_get(stats, STATS_ENCODE_NANOSECONDS);

	fputs("# HELP icfs_encode_seconds_total Seconds spent making objects, over all threads.\n"
	      "# TYPE icfs_encode_seconds_total counter\n",
	      out);
	fprintf(out, "icfs_encode_seconds_total %" PRIu64 ".%09" PRIu64 "\n", ns / 1000000000, ns % 1000000000);
}

void stats_write(struct stats *stats, const struct stats_gauges *gauges, FILE *out)
{
	const struct cache_counts *cache = &gauges->cache;

	write_requests(stats, out);
	for (size_t i = 0; i < sizeof(counters) / sizeof(*counters); i++)
		write_metric(out, counters[i].name, "counter", counters[i].help, stats_get(stats, counters[i].counter));
	write_seconds(stats, out);
	write_metric(out, "icfs_cache_hits_total", "counter", "Objects found in memory.", cache->hits);
	write_metric(out, "icfs_cache_misses_total", "counter", "Objects that had to be made.", cache->misses);
	write_metric(out, "icfs_cache_bytes", "gauge", "Bytes of objects in memory.", cache->nbytes);
	write_metric(out, "icfs_cache_limit_bytes", "gauge", "The bound on the bytes of objects in memory.",
	             gauges->cache_nbytes_max);
	write_metric(out, "icfs_cache_objects", "gauge", "Objects in memory or being made.", cache->nobjects);
	write_metric(out, "icfs_nodes", "gauge", "Inodes that the kernel knows.", gauges->nodes);
	write_metric(out, "icfs_names_bytes", "gauge", "Bytes of cached names of directories.", gauges->names_nbytes);
	write_metric(out, "icfs_queue", "gauge", "Objects that wait for memory to be made in.", gauges->nwaiting);
}

void stats_write_store(const struct store_counts *counts, uint64_t nbytes_max, FILE *out)
{
	const struct {
		const char *name, *type, *help;
		uint64_t value;
	} metrics[] = {
	        {"icfs_store_hits_total", "counter", "Objects taken from the store.", counts->hits},
	        {"icfs_store_misses_total", "counter", "Objects that the store did not have.", counts->misses},
	        {"icfs_store_records", "gauge", "Objects in the store.", counts->records},
	        {"icfs_store_bytes", "gauge", "Bytes of the store's files.", counts->nbytes},
	        {"icfs_store_limit_bytes", "gauge", "The bound on the bytes of the store's files, 0 for none.",
	         nbytes_max},
	        {"icfs_store_segments", "gauge", "Files of the store.", counts->segments},
	        {"icfs_store_written_total", "counter", "Objects written to the store.", counts->written},
	        {"icfs_store_written_bytes_total", "counter", "Bytes of objects written to the store.",
	         counts->written_nbytes},
	        {"icfs_store_dropped_total", "counter", "Objects that were not written: no room, or an error.",
	         counts->dropped},
	        {"icfs_store_corrupt_total", "counter", "Damaged objects in the store, made again.", counts->corrupt},
	        {"icfs_store_evicted_segments_total", "counter", "Files of the store given up for space.",
	         counts->evicted},
	        {"icfs_store_queue_bytes", "gauge", "Bytes of objects that wait to be written.", counts->queued_nbytes},
	        {"icfs_store_index_bytes", "gauge", "Memory of the store's index.", counts->index_nbytes},
	};

	for (size_t i = 0; i < sizeof(metrics) / sizeof(*metrics); i++)
		write_metric(out, metrics[i].name, metrics[i].type, metrics[i].help, metrics[i].value);
}
