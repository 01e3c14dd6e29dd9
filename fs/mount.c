/* SPDX-License-Identifier: MIT */
#include "fs/mount.h"
#include "fs/descriptors.h"
#include "fs/ops_priv.h"
#include "fs/warm.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#define THREADS_MAX 1024
#define NAMES_NBYTES (32u << 20)
#define CACHE_NBYTES (64u << 20) /* beside it the kernel keeps what was read, in all memory that is free */

struct mount_settings mount_settings_default(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned threads = cpus > 16 ? 64 : cpus > 4 ? (unsigned)cpus * 4 : 16;

	return (struct mount_settings){
	        .store = store_settings_default(),
	        .limits = ic_limits_default(),
	        .search = idle_settings_default(),
	        .cache_nbytes = CACHE_NBYTES,
	        .names_nbytes = NAMES_NBYTES,
	        .threads = threads,
	        .staleness = 1,
	};
}

/* One run of a session. */
struct session {
	struct ops_context ops;
	struct fuse_session *fuse;
	struct log *log;
	struct warm *warm; /* NULL: none */
	struct idle *idle; /* NULL: none */
	pthread_t main_thread, signal_thread;
	atomic_bool is_over;
	sigset_t signals, before;
	bool signals_started;
	dev_t own_device; /* of the mount; 0 where it is not known */
};

static void notify_entry(void *context, uint64_t directory, const char *name)
{
	struct session *session = context;

	fuse_lowlevel_notify_inval_entry(session->fuse, directory, name, strlen(name));
}

static void notify_attributes(void *context, uint64_t node)
{
	struct session *session = context;

	fuse_lowlevel_notify_inval_inode(session->fuse, node, -1, 0);
}

static errint_t check_settings(const struct mount_settings *settings, struct ic_why *why)
{
	struct statx stx;

	if (settings->threads < 1 || settings->threads > THREADS_MAX)
		return ic_fail(why, -EINVAL, "threads: expected 1..%d", THREADS_MAX);
	if (!(settings->staleness >= 0 && settings->staleness <= 86400))
		return ic_fail(why, -EINVAL, "staleness: expected 0..86400 seconds");
	/* Asked anew: of a mount whose process is gone the kernel may know its root for a day. */
	if (statx(AT_FDCWD, settings->mountpoint, AT_STATX_FORCE_SYNC, STATX_TYPE, &stx))
		return errno == ENOTCONN
		               ? ic_fail(why, -ENOTCONN,
		                         "mount point %s: a mount whose process is gone; end it with "
		                         "fusermount3 -u, or umount",
		                         settings->mountpoint)
		               : ic_fail(why, -errno, "mount point %s: %s", settings->mountpoint, strerror(errno));
	if (!S_ISDIR(stx.stx_mode))
		return ic_fail(why, -ENOTDIR, "mount point %s: not a directory", settings->mountpoint);
	if (access("/dev/fuse", F_OK))
		return ic_fail(why, -ENODEV,
		               "/dev/fuse is missing: load the module (modprobe fuse), or start the container "
		               "with --device /dev/fuse --cap-add SYS_ADMIN");
	return 0;
}

/* fsname= and subtype= are what mount(8) shows; a comma or backslash in the path would end the option. */
static errint_t add_options(struct fuse_args *args, const struct fs *fs)
{
	const struct mount_settings *settings = &fs->settings;
	char *name = NULL, *own;
	int failed = fuse_opt_add_opt_escaped(&name, source_path(fs->source));

	if (failed)
		return -ENOMEM;
	if (asprintf(&own, "ro,default_permissions,subtype=icfs,fsname=%s", name) < 0)
		own = NULL;
	free(name);
	failed = !own || fuse_opt_add_arg(args, "icfs") || fuse_opt_add_arg(args, "-o") || fuse_opt_add_arg(args, own);
	free(own);
	if (!failed && settings->fuse_options && settings->fuse_options[0])
		failed = fuse_opt_add_arg(args, "-o") || fuse_opt_add_arg(args, settings->fuse_options);
	if (!failed && settings->debug)
		failed = fuse_opt_add_arg(args, "-odebug");
	return failed ? -ENOMEM : 0;
}

static errint_t make_session(struct session *session, struct ic_why *why)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);

	errint_t err = add_options(&args, session->ops.fs);
	if (err)
		ic_fail(why, err, "out of memory");
	else if (!(session->fuse = fuse_session_new(&args, &ops_table, sizeof(ops_table), &session->ops)))
		err = ic_fail(why, -EINVAL, "libfuse does not know one of the options");
	fuse_opt_free_args(&args);
	return err;
}

/* A govern_hook. */
static void policy_changed(void *context, int64_t when_ns)
{
	const struct session *session = context;

	if (session->warm)
		warm_policy_changed(session->warm, when_ns);
	if (session->idle)
		idle_policy_changed(session->idle, when_ns);
}

/* From now on nothing may be opened through our own mount. Asks the kernel alone, for nobody answers yet. */
static void hide_own_mount(struct session *session)
{
	const struct fs *fs = session->ops.fs;
	struct statx stx;
	dev_t own;

	if (statx(AT_FDCWD, fs->mountpoint, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_TYPE, &stx))
		return;
	own = makedev(stx.stx_dev_major, stx.stx_dev_minor);
	session->own_device = own;
	source_hide_device(fs->source, own);
	if (session->warm)
		walk_hide_device(warm_walk(session->warm), own);
}

/* Wake the main thread out of its wait until it has seen that the session is over. */
static void end_loop(struct session *session)
{
	const struct timespec pause = {.tv_nsec = 20 * 1000000};

	fuse_session_exit(session->fuse);
	while (!atomic_load(&session->is_over)) {
		pthread_kill(session->main_thread, SIGUSR1);
		nanosleep(&pause, NULL);
	}
}

/* Waits for a signal that ends the mount. The watch thread has to end first, while requests are still answered: it may
 * be waiting in the kernel for a directory that is locked by a request. */
static void *wait_for_signal(void *context)
{
	struct session *session = context;
	int signal_number;

	if (sigwait(&session->signals, &signal_number) || atomic_load(&session->is_over))
		return NULL;
	log_write(session->log, LOG_LEVEL_INFO, "%s: unmounting", strsignal(signal_number));
	watch_stop(session->ops.fs->watch);
	end_loop(session);
	return NULL;
}

static void wake_up(int signal_number)
{
}

/* Before any thread is started, and before there is a mount that a signal could leave without its process. */
static void block_signals(struct session *session)
{
	sigemptyset(&session->signals);
	sigaddset(&session->signals, SIGTERM);
	sigaddset(&session->signals, SIGINT);
	sigaddset(&session->signals, SIGHUP);
	sigaddset(&session->signals, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &session->signals, &session->before);
	signal(SIGPIPE, SIG_IGN);
}

static errint_t start_signals(struct session *session)
{
	struct sigaction action = {.sa_handler = wake_up};
	sigset_t wake;

	sigemptyset(&wake);
	sigaddset(&wake, SIGUSR1);
	pthread_sigmask(SIG_UNBLOCK, &wake, NULL);
	sigaction(SIGUSR1, &action, NULL);
	session->main_thread = pthread_self();
	int err = pthread_create(&session->signal_thread, NULL, wait_for_signal, session);
	session->signals_started = err == 0;
	return -err;
}

static void stop_signals(struct session *session)
{
	atomic_store(&session->is_over, true);
	if (!session->signals_started)
		return;
	pthread_kill(session->signal_thread, SIGUSR2);
	pthread_join(session->signal_thread, NULL);
}

/* What works beside the requests ends; there are none any more. */
static void end_background(struct session *session)
{
	struct fs *fs = session->ops.fs;

	if (fs) {
		govern_on_change(fs->govern, NULL, NULL);
		fs->idle = NULL;
	}
	idle_free(session->idle);
	session->idle = NULL;
	warm_free(session->warm);
	session->warm = NULL;
}

static errint_t loop(struct session *session, struct fuse_loop_config *config, struct ic_why *why)
{
	const char *mountpoint = session->ops.fs->mountpoint;
	int ended = fuse_session_loop_mt(session->fuse, config); /* 0, or -errno; no signal is libfuse's here */

	if (ended >= 0)
		return 0;
	log_write(session->log, LOG_LEVEL_ERROR, "%s: the loop of requests ended: %s", mountpoint, strerror(-ended));
	return ic_fail(why, ended, "%s: the loop of requests ended: %s", mountpoint, strerror(-ended));
}

static errint_t serve(struct session *session, struct ic_why *why)
{
	struct fs *fs = session->ops.fs;
	struct fuse_loop_config *config = fuse_loop_cfg_create();

	if (!config)
		return ic_fail(why, -ENOMEM, "out of memory");
	fuse_loop_cfg_set_max_threads(config, fs->settings.threads);
	errint_t err = watch_start(fs->watch);
	if (!err)
		err = start_signals(session);
	if (!err && session->warm)
		err = warm_start(session->warm);
	if (!err && session->idle)
		idle_start(session->idle, session->own_device);
	if (err)
		ic_fail(why, err, "starting a thread: %s", strerror(-err));
	else
		err = loop(session, config, why);
	stop_signals(session);
	watch_stop(fs->watch);
	end_background(session);
	fuse_loop_cfg_destroy(config);
	return err;
}

static errint_t run(struct session *session, struct ic_why *why)
{
	struct fs *fs = session->ops.fs;

	errint_t err = make_session(session, why);
	if (err)
		return err;
	if (fuse_session_mount(session->fuse, fs->mountpoint)) {
		err = ic_fail(why, -EIO, "cannot mount on %s; %s", fs->mountpoint,
		              geteuid() == 0 ? "the message above says why"
		                             : "is fusermount3 installed (package fuse3), and is the directory yours?");
	} else {
		hide_own_mount(session);
		log_write(session->log, LOG_LEVEL_INFO, "%s on %s: mounted", source_path(fs->source), fs->mountpoint);
		err = serve(session, why);
		fuse_session_unmount(session->fuse);
		log_write(session->log, LOG_LEVEL_INFO, "%s: unmounted", fs->mountpoint);
	}
	return err;
}

/* Before the mount, which may be in front of the tree. */
static errint_t prepare_warm(struct session *session, struct ic_why *why)
{
	const struct fs *fs = session->ops.fs;
	const struct mount_settings *settings = &fs->settings;
	struct walk_settings walk = walk_settings_default();

	if (!settings->warm)
		return 0;
	if (!fs->store)
		return ic_fail(why, -EINVAL, "warm: needs a store to fill");
	if (store_is_read_only(fs->store))
		return 0; /* the log says so of the store */
	walk.source = settings->source;
	walk.policy = settings->policy;
	walk.policy_file = settings->policy_file;
	walk.catalog = settings->catalog;
	walk.limits = settings->limits;
	walk.follow = settings->follow;
	walk.store = fs->store;
	return warm_new(&walk, session->log, &session->warm, why);
}

/* Before there is any thread. */
static errint_t prepare_search(struct session *session, const struct mount_settings *settings, struct ic_why *why)
{
	struct idle_tree tree = {
	        .source = settings->source,
	        .mountpoint = settings->mountpoint,
	        .policy_file = settings->policy_file,
	        .catalog = settings->catalog,
	        .follow = settings->follow,
	        .options = &settings->policy,
	};

	return settings->search.is_on ? idle_new(&settings->search, &tree, session->log, &session->idle, why) : 0;
}

errint_t mount_run(const struct mount_settings *settings, struct log *log, struct ic_why *why)
{
	struct session session = {.log = log};

	errint_t err = check_settings(settings, why);
	if (err)
		return err;
	descriptors_raise_limit();
	block_signals(&session);
	atomic_init(&session.is_over, false);
	err = prepare_search(&session, settings, why);
	if (!err)
		err = fs_new(settings, log, &session.ops.fs, why);
	if (!err) {
		session.ops.fs->notify = (struct fs_notify){&session, notify_entry, notify_attributes};
		session.ops.fs->idle = session.idle;
		govern_on_change(session.ops.fs->govern, policy_changed, &session);
		err = prepare_warm(&session, why);
		if (!err)
			err = run(&session, why);
	}
	end_background(&session);
	if (session.ops.fs) {
		if (session.fuse)
			fuse_session_destroy(session.fuse);
		listings_free(session.ops.fs);
		fs_free(session.ops.fs);
	}
	pthread_sigmask(SIG_SETMASK, &session.before, NULL);
	return err;
}
