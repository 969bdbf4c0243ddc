import { withConnection } from '#libs/postgres/pg-database.ts'

/** Columns stand in the order of their making, everything else in order of name. */
const TABLES = `
  select c.oid::regclass::text as name, c.oid,
         coalesce(' with (' || array_to_string(c.reloptions, ', ') || ')', '') as options
    from pg_class c
   where c.relnamespace = $1::regnamespace and c.relkind in ('r', 'p') and c.relname <> 'migrations'
   order by c.relname`

const COLUMNS = `
  select format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod))
           || case when a.attcollation <> t.typcollation then ' collate ' || a.attcollation::regcollation else '' end
           || case a.attstorage when t.typstorage then '' else ' storage ' ||
                case a.attstorage when 'p' then 'plain' when 'e' then 'external' when 'm' then 'main' else 'extended' end end
           || case a.attcompression when '' then '' when 'l' then ' compression lz4' else ' compression pglz' end
           || case when a.attidentity <> '' then ' generated ' ||
                case a.attidentity when 'a' then 'always' else 'by default' end || ' as identity' else '' end
           || case when d.oid is null then ''
                when a.attgenerated = '' then ' default ' || pg_get_expr(d.adbin, d.adrelid)
                else ' generated always as (' || pg_get_expr(d.adbin, d.adrelid) || ')'
                  || case a.attgenerated when 's' then ' stored' else '' end end
           || case when a.attnotnull then ' not null' else '' end as line
    from pg_attribute a join pg_type t on t.oid = a.atttypid left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
   where a.attrelid = $1 and a.attnum > 0 and not a.attisdropped
   order by a.attnum`

/** The constraints of not null stand at their columns. */
const CONSTRAINTS = `
  select format('constraint %I %s', conname, pg_get_constraintdef(oid)) as line
    from pg_constraint where conrelid = $1 and contype <> 'n'
   order by contype = 'p' desc, conname`

const INDEXES = `
  select pg_get_indexdef(i.indexrelid) || ';' as line
    from pg_index i
   where i.indrelid = $1 and not exists (select 1 from pg_constraint where conindid = i.indexrelid and contype in ('p', 'u', 'x'))
   order by i.indexrelid::regclass::text`

const TRIGGERS = `
  select pg_get_triggerdef(oid) || ';' as line
    from pg_trigger where tgrelid = $1 and not tgisinternal order by tgname`

const SEQUENCES = `
  select format('create sequence %s as %s start %s;', c.oid::regclass, format_type(s.seqtypid, null), s.seqstart) as line
    from pg_class c join pg_sequence s on s.seqrelid = c.oid
   where c.relnamespace = $1::regnamespace and c.relname <> 'migrations_id_seq'
     and not exists (select 1 from pg_depend d where d.objid = c.oid and d.deptype = 'i')
   order by c.relname`

const EXTENSIONS = `
  select format('create extension %I schema %I;', extname, extnamespace::regnamespace) as line
    from pg_extension where extnamespace = $1::regnamespace order by extname`

const TYPES = `
  select format('create type %s as enum (%s);', t.oid::regtype,
                (select string_agg(quote_literal(enumlabel), ', ' order by enumsortorder) from pg_enum where enumtypid = t.oid)) as line
    from pg_type t where t.typnamespace = $1::regnamespace and t.typtype = 'e' order by t.typname`

const VIEWS = `
  select format(E'create %sview %s as\\n%s', case relkind when 'm' then 'materialized ' else '' end,
                oid::regclass, pg_get_viewdef(oid)) as line
    from pg_class where relnamespace = $1::regnamespace and relkind in ('v', 'm') order by relname`

const FUNCTIONS = `
  select rtrim(pg_get_functiondef(oid), E'\\n') || ';' as line
    from pg_proc where pronamespace = $1::regnamespace and prokind in ('f', 'p')
     and not exists (select 1 from pg_depend d where d.objid = pg_proc.oid and d.deptype = 'e')
   order by proname, pg_get_function_identity_arguments(oid)`

type Line = { readonly line: string }

/**
 * A schema of a database as SQL for people: the same schema gives the same text. Table `migrations`
 * is left out.
 */
export const describeSchema = (connectionString: string, schema: string): Promise<string> =>
  withConnection(connectionString, async (client) => {
    const linesOf = async (query: string, of: unknown): Promise<string[]> =>
      (await client.query<Line>(query, [of])).rows.map(({ line }) => line)
    const parts: string[] = []
    for (const query of [EXTENSIONS, TYPES, SEQUENCES]) parts.push(...(await linesOf(query, schema)))
    const tables = await client.query<{ name: string; oid: number; options: string }>(TABLES, [schema])
    for (const { name, oid, options } of tables.rows) {
      const members = [...(await linesOf(COLUMNS, oid)), ...(await linesOf(CONSTRAINTS, oid))]
      parts.push(
        [
          `create table ${name} (\n${members.map((line) => `  ${line}`).join(',\n')}\n)${options};`,
          ...(await linesOf(INDEXES, oid)),
          ...(await linesOf(TRIGGERS, oid)),
        ].join('\n'),
      )
    }
    parts.push(...(await linesOf(VIEWS, schema)), ...(await linesOf(FUNCTIONS, schema)))
    return `${parts.join('\n\n')}\n`
  })
