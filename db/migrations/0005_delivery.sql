-- Delivery: destinations that a person paused, limits of their rate, warnings of peers, storage
-- commitment.

-- What there is to know of a destination beside its settings; without a row, nothing.
CREATE TABLE destination (
  name text PRIMARY KEY,
  paused_at timestamptz, -- NULL: it is sent to
  paused_by text NOT NULL DEFAULT '', -- user of the machine the command was given on
  turn_at timestamptz -- with a limited rate: when the next object may go
);

-- commitment none → wanted (delivered, to be asked for) → asked → committed
--                    silence: wanted again, at last unconfirmed
--                    refused: the object waits to be sent again, at last it fails
ALTER TABLE outbox
  ADD COLUMN warning text NOT NULL DEFAULT '', -- with which the peer took the object
  ADD COLUMN commitment text NOT NULL DEFAULT 'none' CHECK (commitment IN ('none', 'wanted',
    'asked', 'committed', 'unconfirmed')),
  ADD COLUMN commitment_at timestamptz, -- wanted: not before; asked: silence counts from then on
  ADD COLUMN commitment_requests integer NOT NULL DEFAULT 0, -- since the object was last sent
  ADD COLUMN commitment_refusals integer NOT NULL DEFAULT 0,
  ADD CHECK (commitment = 'none' OR state = 'delivered'),
  ADD CHECK ((commitment IN ('wanted', 'asked')) = (commitment_at IS NOT NULL));
CREATE INDEX outbox_commitment ON outbox (destination, commitment_at)
  WHERE commitment IN ('wanted', 'asked');
CREATE INDEX outbox_sending ON outbox (destination) WHERE state = 'sending';

-- Requests for storage commitment: an answer that names none of them is somebody else's.
CREATE TABLE commitment (
  transaction_uid text PRIMARY KEY,
  destination text NOT NULL,
  asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  answered_at timestamptz
);
