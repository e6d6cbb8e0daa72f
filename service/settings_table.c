#include "service/settings_table.h"

#include "service/settings.h"

#define AT(field) offsetof(struct settings, field)
#define DESTINATION_AT(field) offsetof(struct settings_destination, field)
#define ROUTE_AT(field) offsetof(struct settings_route, field)
#define PEER_AT(field) offsetof(struct settings_peer, field)

const struct setting settings_table[] = {
    {"store", SETTING_PATH, 0, 0, NULL, "/var/lib/axnode", false, AT(store),
     "Folder for received, indexed and outgoing objects. Needs a local file system; made on first "
     "start."},
    {"database", SETTING_TEXT, 0, 0, NULL, "dbname=axnode", false, AT(database),
     "PostgreSQL connection string (libpq), or postgresql:// address. Keep passwords out of this "
     "file: use peer authentication, database_password_credential, or passfile=… in the string."},
    {"database_password_credential", SETTING_NAME, 0, 0, "", "database-password", true,
     AT(database_password_credential),
     "Name of a systemd credential (LoadCredential= in the unit) that holds the database's "
     "password. Programs that are given no credentials, such as axnode in a shell, take what "
     "libpq finds by itself: ~/.pgpass, PGPASSFILE."},

    {"receiver.ae_title", SETTING_AE_TITLE, 0, 0, "AXNODE", NULL, true, AT(receiver.ae_title),
     "AE title of axnode: of the receiver, and calling AE title of the sender."},
    {"receiver.address", SETTING_ADDRESS, 0, 0, "127.0.0.1", NULL, false, AT(receiver.address),
     "Address to listen on. The default takes connections from this machine alone; name the "
     "hospital network's interface (or 0.0.0.0, or '::') once a firewall guards the port."},
    {"receiver.port", SETTING_INT, 1, 65535, "11112", NULL, false, AT(receiver.port),
     "TCP port to listen on."},
    {"receiver.max_associations", SETTING_INT, 1, 1024, "64", NULL, false,
     AT(receiver.max_associations),
     "Associations open at once; one more is refused, and the peer tries again."},
    {"receiver.associations_per_peer", SETTING_INT, 1, 1024, "16", NULL, true,
     AT(receiver.associations_per_peer), "Associations open at once from one address."},
    {"receiver.max_pdu_bytes", SETTING_INT, 4096, 131072, "131072", NULL, true,
     AT(receiver.max_pdu_bytes), "Largest protocol data unit that is accepted."},
    {"receiver.idle_timeout_s", SETTING_SECONDS, 1, 3600, "30", NULL, true,
     AT(receiver.idle_timeout_us),
     "An association whose peer sends nothing for this long is closed."},
    {"receiver.check_called_ae", SETTING_BOOL, 0, 0, "true", NULL, true,
     AT(receiver.check_called_ae),
     "Refuse associations that call another AE title than receiver.ae_title."},
    {"receiver.check_calling_ae", SETTING_BOOL, 0, 0, "true", NULL, true,
     AT(receiver.check_calling_ae),
     "Refuse associations whose calling AE title is not that of a peer. Counts once peers are "
     "listed."},
    {"receiver.check_address", SETTING_BOOL, 0, 0, "true", NULL, true, AT(receiver.check_address),
     "Refuse associations from another address than their peer's. Counts once peers are listed."},
    {"receiver.transfer_syntaxes", SETTING_UIDS, 0, 0, "[]", NULL, true,
     AT(receiver.transfer_syntaxes),
     "Transfer syntaxes (UIDs) that are agreed on first where a sender offers several, in this "
     "order; after them the first of the sender's list that can be analysed, then stored."},

    {"tls.certificate", SETTING_PATH, 0, 0, "", "/etc/axnode/tls/axnode.crt", true,
     AT(tls.certificate),
     "Our certificate (PEM), followed by those between it and its authority, if any."},
    {"tls.key", SETTING_PATH, 0, 0, "", "/etc/axnode/tls/axnode.key", true, AT(tls.key),
     "Its private key (PEM, without passphrase), readable by the service alone."},
    {"tls.ca", SETTING_PATH, 0, 0, "", "/etc/axnode/tls/ca.crt", true, AT(tls.ca),
     "Certificates (PEM) of the authorities whose certificates peers may show."},
    {"tls.port", SETTING_INT, 0, 65535, "0", NULL, false, AT(tls.port),
     "TCP port to listen on for TLS, beside receiver.port; 2762 is registered for it. 0: off."},
    {"tls.profile", SETTING_PROFILE, 0, 0, "bcp195_nd", NULL, true, AT(tls.profile),
     "What is agreed on at least. bcp195_nd: DICOM's non-downgrading BCP 195 profile, TLS 1.2 or 1.3 "
     "with RSA certificates. bcp195_extended: the extended one, TLS 1.2 with RSA or ECDSA "
     "certificates."},
    {"tls.require_client_certificate", SETTING_BOOL, 0, 0, "true", NULL, true,
     AT(tls.require_client_certificate),
     "Refuse a TLS connection whose caller shows no certificate. One that is shown is checked in "
     "any case."},

    {"limits.object_mib", SETTING_INT, 1, 4096, "512", NULL, false, AT(limits.object_mib),
     "Largest object that is accepted, in MiB."},
    {"limits.frames", SETTING_INT, 1, 65536, "4096", NULL, false, AT(limits.frames),
     "Most frames of one object that is analysed."},
    {"limits.frame_pixels", SETTING_COUNT, 4096, 67108864, "67108864", NULL, false,
     AT(limits.frame_pixels), "Most pixels (rows × columns) of a frame that is analysed."},
    {"limits.images_per_study", SETTING_INT, 1, 1024, "64", NULL, false,
     AT(limits.images_per_study), "Most pictures of one study that are outlined."},
    {"limits.store_min_free_mib", SETTING_INT, 1, 1048576, "1024", NULL, false,
     AT(limits.store_min_free_mib),
     "Space in MiB that stays free in the store: below it objects are refused as out of "
     "resources."},

    {"study.quiet_period_s", SETTING_SECONDS, 0.1, 86400, "30", NULL, true,
     AT(study.quiet_period_us),
     "A study is analysed when nothing more has been received for this long and no association "
     "that carries it is open. Peers may have another: peers[].quiet_period_s."},
    {"study.age_max_s", SETTING_SECONDS, 0, 604800, "3600", NULL, true, AT(study.age_max_us),
     "A study is analysed at the latest this long after it began to arrive, whatever still comes or "
     "is missing; what comes later makes its next generation. 0: never."},

    {"peers", SETTING_PEERS, 0, 0, "[]", NULL, true, AT(peers),
     "The DICOM nodes that may call us, and those that we call: a list of mappings with the keys "
     "below, at most 256. Without one, everybody who reaches the port may send."},

    {"score.bilateral", SETTING_BOOL, 0, 0, "false", NULL, true, AT(score.bilateral),
     "Show a risk, for each side by itself, when tumours were outlined on both sides. The published "
     "models exclude bilateral disease."},
    {"score.multifocal", SETTING_BOOL, 0, 0, "false", NULL, true, AT(score.multifocal),
     "Show a risk when words on the pictures place tumours at clock positions of one breast that "
     "are two hours or more apart. The published models exclude multifocal disease."},
    {"workers.count", SETTING_INT, 1, 64, "1", NULL, false, AT(workers.count),
     "Studies that are analysed at once, each on one processor core."},
    {"workers.attempts_max", SETTING_INT, 1, 20, "3", NULL, true, AT(workers.attempts_max),
     "Attempts at one study before it is parked as failed."},
    {"workers.backoff_first_s", SETTING_SECONDS, 0.1, 86400, "5", NULL, true,
     AT(workers.backoff_first_us),
     "Wait after a first failed attempt at a study; it doubles with each further one."},
    {"workers.backoff_max_s", SETTING_SECONDS, 0.1, 86400, "300", NULL, true,
     AT(workers.backoff_max_us), "Longest wait between two attempts at a study."},
    {"workers.lease_s", SETTING_SECONDS, 3, 3600, "60", NULL, true, AT(workers.lease_us),
     "A study whose worker gives no sign for this long is given to another."},
    {"workers.job_timeout_s", SETTING_SECONDS, 1, 86400, "600", NULL, true,
     AT(workers.job_timeout_us), "Longest time that one study may take."},
    {"workers.recycle_jobs", SETTING_INT, 1, 1000000, "500", NULL, true, AT(workers.recycle_jobs),
     "Studies after which a worker is replaced by a fresh one."},
    {"workers.memory_max_mib", SETTING_INT, 64, 1048576, "4096", NULL, true,
     AT(workers.memory_max_mib),
     "Resident memory in MiB above which a worker is replaced after its study."},

    {"package", SETTING_PATH, 0, 0, "", "/usr/share/axnode/packages/verification", true,
     AT(package),
     "Folder of the model package that scores studies while 'axnode model activate' has chosen none. "
     "Default: the shipped package 'verification'."},
    {"packages.folder", SETTING_PATH, 0, 0, "", "/etc/axnode/packages", true, AT(packages.folder),
     "Folder with a folder for each model package, several versions side by side. 'axnode model', "
     "packages.report and packages.shadow find them by NAME@VERSION, there and among the shipped ones."},
    {"packages.report", SETTING_PACKAGES, 0, 0, "[]", NULL, true, AT(packages.report),
     "Packages (NAME@VERSION, at most 4) whose scores stand in the same report beside that of the active "
     "package, each in a section of its own. While one of them cannot be opened, studies wait."},
    {"packages.shadow", SETTING_PACKAGES, 0, 0, "[]", NULL, true, AT(packages.shadow),
     "Packages (NAME@VERSION, at most 4) that also score every study. Their results are stored (view "
     "v_shadow) and reported to nobody."},
    {"packages.allow_unsigned", SETTING_BOOL, 0, 0, "true", NULL, true,
     AT(packages.allow_unsigned),
     "Accept packages without a signature by one of packages.trusted_keys. The content is checked "
     "against the package's own MANIFEST in any case."},
    {"packages.trusted_keys", SETTING_PATHS, 0, 0, "[]", NULL, true, AT(packages.trusted_keys),
     "Files with Ed25519 public keys (PEM) whose packages are trusted."},
    {"onnxruntime", SETTING_PATH, 0, 0, "", "/usr/lib/axnode/libonnxruntime.so.1", true,
     AT(onnxruntime),
     "ONNX Runtime library. Default: the installed one, then that of the build tree."},

    {"destinations", SETTING_DESTINATIONS, 0, 0, "[]", NULL, true, AT(destinations),
     "Where results go: a list of mappings with the keys below, at most 16. Without one, results "
     "stay in the database and the store."},

    {"routes", SETTING_ROUTES, 0, 0, "[]", NULL, true, AT(routes),
     "Whose results go to which destinations: a list of mappings with the keys below, at most 64. A "
     "result goes where the routes of all send it that its study came from. Without one, every "
     "result goes to every destination."},

    {"sender.attempts_max", SETTING_INT, 1, 10000, "200", NULL, true, AT(sender.attempts_max),
     "Attempts to deliver one object before it is parked as failed: with the waits below, about "
     "eight days."},
    {"sender.backoff_first_s", SETTING_SECONDS, 0.1, 86400, "5", NULL, true,
     AT(sender.backoff_first_us),
     "Wait after the first failed attempt; it doubles with each further one."},
    {"sender.backoff_max_s", SETTING_SECONDS, 0.1, 86400, "3600", NULL, true,
     AT(sender.backoff_max_us), "Longest wait between two attempts."},
    {"sender.timeout_s", SETTING_SECONDS, 1, 3600, "30", NULL, true, AT(sender.timeout_us),
     "Longest wait for a destination to connect or to answer."},
    {"sender.association_objects", SETTING_INT, 1, 128, "100", NULL, true,
     AT(sender.association_objects), "Most objects that go over one association."},
    {"sender.commitment_timeout_s", SETTING_SECONDS, 1, 604800, "3600", NULL, true,
     AT(sender.commitment_timeout_us),
     "Time that a destination has to answer a request for storage commitment."},
    {"sender.commitment_tries", SETTING_INT, 1, 100, "5", NULL, true, AT(sender.commitment_tries),
     "Requests without an answer after which an object counts as delivered, unconfirmed; and "
     "refusals, each of which sends the object again, after which it is parked as failed."},

    {"retention.delivered_days", SETTING_DAYS, 0, 36500, "30", NULL, true,
     AT(retention.delivered_us),
     "Days after which the files of a study, received and our own, are removed; from the time "
     "that every destination had every object. Results stay in the database. 0: never. Studies "
     "that nobody was sent an object of, and failed ones, are kept until 'axnode purge'."},
    {"retention.not_applicable_days", SETTING_DAYS, 0, 36500, "30", NULL, true,
     AT(retention.not_applicable_us),
     "Days after which the files of a study with nothing to report on are removed. 0: never."},
    {"retention.unreadable_days", SETTING_DAYS, 0, 36500, "90", NULL, true,
     AT(retention.unreadable_us),
     "Days after which received files that cannot be read are removed. 0: never."},

    {"commitment.retention_days", SETTING_DAYS, 0, 36500, "0", NULL, true,
     AT(commitment.retention_us),
     "Days for which the files of a study are kept, counted from our last answer that commits to one "
     "of its objects, whatever else retention says. 0: requests for storage commitment are refused. "
     "Who is told that we commit may delete its own: read 'Storage commitment for others' in the "
     "operator guide first."},
    {"commitment.retrieve_ae_title", SETTING_AE_TITLE, 0, 0, "", "ARCHIVE", true,
     AT(commitment.retrieve_ae_title),
     "AE title that committed objects can be retrieved from, named in the answer. axnode has no "
     "query and retrieve: without a node that reads its store, leave it out, and requests are "
     "refused."},
    {"commitment.completes_study", SETTING_BOOL, 0, 0, "false", NULL, true,
     AT(commitment.completes_study),
     "true: a request that lists every object received of a study, and gets all of them committed, "
     "ends the study's quiet period."},

    {"supervisor.beat_timeout_s", SETTING_SECONDS, 0.2, 3600, "30", NULL, false,
     AT(supervisor.beat_timeout_us),
     "A process that gives no sign of life for this long is killed and started again."},
    {"supervisor.restart_first_s", SETTING_SECONDS, 0.05, 3600, "0.5", NULL, false,
     AT(supervisor.restart_first_us),
     "Wait before a dead process is started again; it doubles each time, until the process has "
     "run for longer than supervisor.restart_max_s."},
    {"supervisor.restart_max_s", SETTING_SECONDS, 0.05, 3600, "30", NULL, false,
     AT(supervisor.restart_max_us), "Longest wait before a dead process is started again."},
    {"supervisor.drain_timeout_s", SETTING_SECONDS, 0.2, 3600, "60", NULL, false,
     AT(supervisor.drain_timeout_us),
     "Time that open associations and running studies get to end after SIGTERM."},

    {"metrics.address", SETTING_ADDRESS, 0, 0, "127.0.0.1", NULL, false, AT(metrics.address),
     "Address that metrics are read from. They hold counts and no patient data, but there is no "
     "password: leave it on this machine, or guard the port."},
    {"metrics.port", SETTING_INT, 0, 65535, "0", NULL, false, AT(metrics.port),
     "TCP port for metrics in Prometheus' text format, at /metrics. 0: off."},

    {"log.level", SETTING_LEVEL, 0, 0, "info", NULL, false, AT(log.level),
     "Least severity that is logged: error, warning, info or debug."},
};
const size_t settings_table_count = sizeof settings_table / sizeof *settings_table;

static const struct setting peer_table[] = {
    {"name", SETTING_NAME, 0, 0, NULL, "pacs", true, PEER_AT(name), "Name of the peer."},
    {"ae_title", SETTING_AE_TITLE, 0, 0, NULL, "PACS", true, PEER_AT(ae_title), "Its AE title."},
    {"address", SETTING_HOST, 0, 0, NULL, "pacs.example.org", true, PEER_AT(address),
     "Its host name or address: it connects from there, and is called there. Names are looked up "
     "at start and reload."},
    {"port", SETTING_INT, 0, 65535, "0", "104", true, PEER_AT(port),
     "Its TCP port. 0: we never call it."},
    {"from", SETTING_SOURCES, 0, 0, "[]", NULL, true, PEER_AT(from),
     "More that it connects from: host names, addresses, or networks such as 10.1.2.0/24."},
    {"may", SETTING_MAY, 0, 0, "[echo, store]", NULL, true, PEER_AT(echo),
     "What it may ask of us: echo (C-ECHO), store (C-STORE), commit (storage commitment)."},
    {"quiet_period_s", SETTING_SECONDS, 0, 86400, "0", NULL, true, PEER_AT(quiet_period_us),
     "study.quiet_period_s of studies to which it has sent; with several senders the longest counts. "
     "0: as for all."},
    {"required_series", SETTING_SERIES, 0, 0, "[]", NULL, true, PEER_AT(required_series),
     "Series that a study to which it has sent must have before it is analysed, as 'US' (a "
     "modality) or 'US axilla' (and words in the description, whatever the case). "
     "study.age_max_s ends the wait."},
    {"tls", SETTING_BOOL, 0, 0, "false", NULL, true, PEER_AT(tls),
     "Both ways by TLS: it is called so, and refused when it calls without."},
    {"certificate_name", SETTING_HOST, 0, 0, "", NULL, true, PEER_AT(certificate_name),
     "Name that its certificate is made out to (subject alternative name, else common name). "
     "Default: its address."},
    {"certificate_sha256", SETTING_FINGERPRINT, 0, 0, "", NULL, true, PEER_AT(certificate_sha256),
     "SHA-256 of its certificate, as 'openssl x509 -noout -fingerprint -sha256' has it: this "
     "certificate and no other, whatever its name."},
};

static const struct setting destination_table[] = {
    {"name", SETTING_NAME, 0, 0, NULL, "pacs", true, DESTINATION_AT(name),
     "Name of the destination: stands in 'axnode show'. Renaming it strands what waits for it."},
    {"peer", SETTING_NAME, 0, 0, "", "pacs", true, DESTINATION_AT(peer_name),
     "Name of the peer that it is. Without one, the three keys below must be set."},
    {"ae_title", SETTING_AE_TITLE, 0, 0, "", NULL, true, DESTINATION_AT(ae_title),
     "AE title of a destination that is no peer."},
    {"address", SETTING_HOST, 0, 0, "", NULL, true, DESTINATION_AT(address),
     "Its host name or address."},
    {"port", SETTING_INT, 0, 65535, "0", NULL, true, DESTINATION_AT(port), "Its TCP port."},
    {"objects", SETTING_OBJECTS, 0, 0, "[sr, seg, sc]", NULL, true, DESTINATION_AT(objects),
     "Which objects it gets: sr (report), seg (segmentation), sc (pictures of the report), pr "
     "(presentation states: the outlines over the original images), ko (key object selection of the "
     "images that were used), pdf (the report's pages as PDF), seg-ohif (the segmentation with the "
     "geometry without which OHIF shows none; see the conformance statement)."},
    {"associations", SETTING_INT, 1, 8, "1", NULL, true, DESTINATION_AT(associations),
     "Associations that may be open to it at once."},
    {"objects_per_minute", SETTING_INT, 0, 60000, "0", NULL, true,
     DESTINATION_AT(objects_per_minute),
     "Most objects it is sent in a minute, over one association. 0: no limit."},
    {"commitment", SETTING_COMMITMENT, 0, 0, "none", NULL, true, DESTINATION_AT(commitment),
     "required: it is asked to commit to the storage of what it was sent (storage commitment), and "
     "our files are kept until it did."},
};

static const struct setting route_table[] = {
    {"name", SETTING_NAME, 0, 0, NULL, "all-others", true, ROUTE_AT(name), "Name of the route."},
    {"from", SETTING_CALLERS, 0, 0, "[]", NULL, true, ROUTE_AT(from),
     "Calling AE titles of those that sent the study. Left out: the fallback, for all that no other "
     "route names. With routes there must be one."},
    {"to", SETTING_TO, 0, 0, NULL, "[pacs]", true, ROUTE_AT(to),
     "Names of destinations; [] for none: the result stays here."},
};

#define ITEMS(kind, keys, field, number)                                                          \
    {kind,                                                                                        \
     keys,                                                                                        \
     sizeof keys / sizeof *keys,                                                                  \
     sizeof *((struct settings *)0)->field,                                                       \
     sizeof ((struct settings *)0)->field / sizeof *((struct settings *)0)->field,                \
     AT(field),                                                                                   \
     AT(number)}

const struct setting_items *setting_items_find(enum setting_type type)
{
    static const struct setting_items items[] = {
        ITEMS(SETTING_PEERS, peer_table, peers, peer_count),
        ITEMS(SETTING_DESTINATIONS, destination_table, destinations, destination_count),
        ITEMS(SETTING_ROUTES, route_table, routes, route_count),
    };
    for (size_t i = 0; i < sizeof items / sizeof *items; i++)
        if (items[i].type == type)
            return &items[i];
    return NULL;
}
