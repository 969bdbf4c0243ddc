export type Answer = { readonly status: number; readonly body: unknown }
export type Sending = { readonly type?: string; readonly idempotencyKey?: string; readonly accept?: string }

/** A Pulso behind one address or three. JSON is parsed; everything else is text. */
export type Api = {
  readonly get: (path: string, accept?: string) => Promise<Answer>
  readonly send: (method: string, path: string, body?: unknown, more?: Sending) => Promise<Answer>
  /** The same Pulso with another key. */
  readonly as: (key: string) => Api
}

export type Addresses = { readonly ingest: string; readonly scoring: string; readonly alerting: string }

const OF_INGEST = /^\/v1\/(events|batch|track|identify|group)|^\/(batch|capture)\//
const OF_SCORING = /^\/v1\/(accounts|portfolio|backfills|models|model-schema|keys|tenants|audit)/

export const createApi = (addresses: Addresses, key: string): Api => {
  const addressOf = (path: string): string =>
    addresses[OF_INGEST.test(path) ? 'ingest' : OF_SCORING.test(path) ? 'scoring' : 'alerting']
  const send: Api['send'] = async (method, path, body, more = {}) => {
    const answer = await fetch(addressOf(path) + path, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { 'content-type': more.type ?? 'application/json' }),
        ...(more.accept ? { accept: more.accept } : {}),
        ...(more.idempotencyKey ? { 'idempotency-key': more.idempotencyKey } : {}),
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await answer.text()
    const isJson = /json/.test(answer.headers.get('content-type') ?? '')
    return { status: answer.status, body: isJson ? JSON.parse(text) : text }
  }
  return {
    send,
    get: (path, accept) => send('GET', path, undefined, accept ? { accept } : {}),
    as: (other) => createApi(addresses, other),
  }
}

/** The body of an answer that must be a success. */
export const bodyOf = async <Body>(asked: Promise<Answer>): Promise<Body> => {
  const { status, body } = await asked
  if (status >= 300) throw new Error(`answered ${status}: ${JSON.stringify(body)}`)
  return body as Body
}
