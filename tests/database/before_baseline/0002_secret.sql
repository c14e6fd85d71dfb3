-- Keys that functions need and nobody else may read; not audited, or their values would be.

create table mail.secret (
    name text primary key,
    value bytea not null
);
