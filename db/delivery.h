/* Inside db/: an outbox row that is to be sent again. */
#ifndef AXNODE_DB_DELIVERY_H
#define AXNODE_DB_DELIVERY_H

/* SQL for UPDATE outbox b SET …: due at once, all attempts and requests still to come. That the
 * destination may have the object stays known. */
#define OUTBOX_AGAIN \
    "state = 'pending', attempts = 0, next_attempt_at = clock_timestamp()," \
    " possibly_sent = b.possibly_sent OR b.state = 'delivered', last_error = ''," \
    " commitment = 'none', commitment_at = NULL, commitment_requests = 0, commitment_refusals = 0"

#endif
