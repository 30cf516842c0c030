"""The function of PostgreSQL that opens the door, in each form that a revision gave it.

It binds the transaction to the credential's tenant, which row-level security follows, and reads the session's row, once
for each role of its user: one round trip. The tenant it is given is an address: without a good row in it the caller
gets nothing.
"""

from alembic import op

AUTHENTICATE_1 = """
CREATE FUNCTION holdfast_authenticate(p_tenant uuid, p_session uuid, p_now timestamptz)
RETURNS TABLE (secret_hash bytea, kind text, user_id uuid, email text, username text, name text, slug text,
               organization text, roles text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  PERFORM set_config('holdfast.tenant', p_tenant::text, true);
  RETURN QUERY
    SELECT s.secret_hash, s.kind::text, u.id, u.email::text, u.username::text, u.name::text, t.slug::text, o.name::text,
           (SELECT string_agg(r.role, ',' ORDER BY r.role) FROM role_assignment r
            WHERE r.tenant_id = s.tenant_id AND r.user_id = s.user_id)
    FROM session s
    JOIN user_account u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
    JOIN tenant t ON t.id = s.tenant_id
    JOIN organization o ON o.tenant_id = s.tenant_id AND o.id = s.tenant_id
    WHERE s.tenant_id = p_tenant AND s.id = p_session AND s.revoked_at IS NULL
      AND s.expires_at > p_now AND s.idle_expires_at > p_now
      AND u.status = 'active' AND u.deleted_at IS NULL AND t.status = 'active';
END $$
"""

AUTHENTICATE_2 = """
CREATE FUNCTION holdfast_authenticate(p_tenant uuid, p_session uuid, p_now timestamptz)
RETURNS TABLE (secret_hash bytea, kind text, user_id uuid, email text, username text, name text, slug text,
               organization text, verified_at timestamptz, second_factor boolean, impersonator_id uuid,
               operator_id uuid, parent_id uuid, scopes text, key_networks text, networks text, role text,
               permissions text, scope_kind text, scope_id uuid)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  PERFORM set_config('holdfast.tenant', p_tenant::text, true);
  RETURN QUERY
    SELECT s.secret_hash, s.kind::text, u.id, u.email::text, u.username::text, u.name::text, t.slug::text, o.name::text,
           s.verified_at, s.second_factor, s.impersonator_id, s.operator_id, s.parent_id, s.scopes::text,
           s.networks::text, y.networks::text, r.role::text, c.permissions::text, r.scope_kind::text, r.scope_key
    FROM session s
    JOIN tenant t ON t.id = s.tenant_id
    JOIN organization o ON o.tenant_id = s.tenant_id AND o.id = s.tenant_id
    LEFT JOIN user_account u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
    LEFT JOIN sign_in_policy y ON y.tenant_id = s.tenant_id AND y.id = s.tenant_id
    LEFT JOIN role_assignment r ON r.tenant_id = s.tenant_id AND r.user_id = s.user_id
         AND (r.ends_at IS NULL OR r.ends_at > p_now)
    LEFT JOIN role c ON c.tenant_id = r.tenant_id AND c.id = r.role_id
    WHERE s.tenant_id = p_tenant AND s.id = p_session AND s.revoked_at IS NULL
      AND s.expires_at > p_now AND s.idle_expires_at > p_now AND t.status = 'active'
      AND (s.operator_id IS NOT NULL OR (u.status = 'active' AND u.deleted_at IS NULL));
END $$
"""

AUTHENTICATE_3 = """
CREATE FUNCTION holdfast_authenticate(p_tenant uuid, p_session uuid, p_now timestamptz)
RETURNS TABLE (secret_hash bytea, kind text, user_id uuid, email text, username text, name text, slug text,
               organization text, verified_at timestamptz, second_factor boolean, impersonator_id uuid,
               operator_id uuid, parent_id uuid, scopes text, key_networks text, networks text, role text,
               permissions text, scope_kind text, scope_id uuid, ends_at timestamptz,
               locale text, time_zone text, version integer)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  PERFORM set_config('holdfast.tenant', p_tenant::text, true);
  RETURN QUERY
    SELECT s.secret_hash, s.kind::text, u.id, u.email::text, u.username::text, u.name::text, t.slug::text, o.name::text,
           s.verified_at, s.second_factor, s.impersonator_id, s.operator_id, s.parent_id, s.scopes::text,
           s.networks::text, y.networks::text, r.role::text, c.permissions::text, r.scope_kind::text, r.scope_key,
           r.ends_at, u.locale::text, u.time_zone::text, u.version
    FROM session s
    JOIN tenant t ON t.id = s.tenant_id
    JOIN organization o ON o.tenant_id = s.tenant_id AND o.id = s.tenant_id
    LEFT JOIN user_account u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
    LEFT JOIN person p ON p.tenant_id = u.tenant_id AND p.id = u.person_id
    LEFT JOIN sign_in_policy y ON y.tenant_id = s.tenant_id AND y.id = s.tenant_id
    LEFT JOIN role_assignment r ON r.tenant_id = s.tenant_id AND r.user_id = s.user_id
         AND (r.ends_at IS NULL OR r.ends_at > p_now)
    LEFT JOIN role c ON c.tenant_id = r.tenant_id AND c.id = r.role_id
    WHERE s.tenant_id = p_tenant AND s.id = p_session AND s.revoked_at IS NULL
      AND s.expires_at > p_now AND s.idle_expires_at > p_now AND t.status = 'active'
      AND (s.operator_id IS NOT NULL OR (u.status = 'active' AND u.deleted_at IS NULL AND (u.person_id IS NULL
           OR (p.deleted_at IS NULL AND (p.access_ends_at IS NULL OR p.access_ends_at > p_now)))));
END $$
"""


def replace_authenticate(definition: str) -> None:
    """Put another form in the place of the present one; other databases run the query themselves."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION holdfast_authenticate(uuid, uuid, timestamptz)")
        op.execute(definition)
