-- Who may be the same person as a contact, from whichever side one looks.
create view contact_twins as
    select pair.contact_id, other.id as other, other.name, pair.reason, pair.value,
           (select address from identities i where i.contact_id = other.id and i.kind = 'email' order by i.id limit 1) as email,
           (select kind from identities i where i.contact_id = other.id order by i.id limit 1) as kind
    from (
        select contact_id, other_id, reason, value from merge_suggestions where refused_at is null
        union all
        select other_id, contact_id, reason, value from merge_suggestions where refused_at is null
    ) pair
    join contacts other on other.id = pair.other_id and other.merged_into is null;
