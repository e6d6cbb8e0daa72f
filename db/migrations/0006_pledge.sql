-- Storage commitment that peers ask us for: what we told whom we keep.

-- Until then the study's files are kept: somebody may have deleted theirs. NULL: nobody was told so.
ALTER TABLE study ADD COLUMN kept_until timestamptz;

-- A request; the objects that it names are in its file in the store, until it has ended.
CREATE TABLE pledge (
  key text PRIMARY KEY, -- the store's
  peer text NOT NULL,
  state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'answered', 'failed')),
  since timestamptz NOT NULL DEFAULT clock_timestamp(), -- it was first looked at
  due_at timestamptz NOT NULL DEFAULT clock_timestamp(), -- waiting: not before
  attempts integer NOT NULL DEFAULT 0, -- to answer
  committed integer NOT NULL DEFAULT 0,
  refused integer NOT NULL DEFAULT 0,
  reason text NOT NULL DEFAULT '' -- of the last failed attempt
);
