/** What a process needs for its work, by name. Each check rejects while its part is not there. */
export type Checks = Readonly<Record<string, () => Promise<unknown>>>
