/* Who may call the receiver: the peers of the settings with their addresses looked up. */
#ifndef AXNODE_SERVICE_PEERS_H
#define AXNODE_SERVICE_PEERS_H

#include "dicom/receiver.h"
#include "service/settings.h"

struct peers;

/* Called after each host name, which may have taken seconds where a name server is silent. One that
 * is unknown is no failure: its peer is refused from there until the next load. */
typedef void peers_looked_up(void *context, const char *peer, const char *host, bool known);

/* Looks up every host name now. `settings` is borrowed until peers_free. */
int peers_new(const struct settings *settings, peers_looked_up *looked_up, void *context,
              struct peers **ret_peers, struct error *err);
void peers_free(struct peers *peers); /* NULL is fine */

/* What a caller at numeric `address` may do. `ret_peer`: who it is, NULL where nobody is listed or
 * checks are relaxed. `itself`: the address is also our own end of the connection: our own AE title
 * may then echo, which is how `axnode doctor` asks. */
enum dicom_refusal peers_admit(const struct peers *peers, const struct dicom_caller *caller,
                               const char *address, bool itself,
                               struct dicom_permission *ret_permission,
                               const struct settings_peer **ret_peer);

#endif
