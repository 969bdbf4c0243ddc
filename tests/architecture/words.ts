/**
 * Words that stand for a term of the field, with that term. No file name and no identifier has one
 * of them.
 */
export const REPLACED_WORDS: Readonly<Record<string, string>> = {
  judge: 'evaluate, check or classify',
  judged: 'evaluated',
  judging: 'evaluating',
  tell: 'notify',
  telling: 'notification decision',
  told: 'notified',
  untold: 'unpublished',
  notice: 'notification',
  notices: 'notifications',
  witness: 'snapshot',
  testimony: 'snapshot',
  desk: 'mute context',
  surroundings: 'evaluation context',
  sight: 'observation',
  glance: 'evaluation input',
  dealing: 'interaction',
  dealings: 'interactions',
  deed: 'action or command',
  deeds: 'actions',
  hush: 'mute',
  hushed: 'muted',
  slab: 'arena',
  lane: 'pipeline or slots',
  lanes: 'pipelines or slots',
  linger: 'batcher',
  park: 'dead-letter',
  parked: 'dead-lettered',
  misplaced: 'model switch',
  heard: 'active',
  hear: 'record activity',
  book: 'lookup',
  stamp: 'event order',
  born: 'base version',
  beat: 'heartbeat',
}

/**
 * Names that others know: fields of the API, of stored documents and of messages, settings, and
 * words of other libraries.
 */
export const PUBLIC_NAMES: ReadonlySet<string> = new Set([
  // fields of the API and of what is stored
  'grouped_notice',
  'heardAt',
  'judgedFrom',
  'notToldBecause',
  'notice',
  'noticeId',
  'notice_group',
  'tells',
  'told',
  'toldAt',
  // a setting of every producer
  'lingerMs',
])
