/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_BASE_LIMITS_H
#define MUSTER_BASE_LIMITS_H

/* Every bound on what comes from outside, in one place; the manual's table of
 * limits is made from these comments. Reaching one is an error with a message
 * that says what follows, never a silent cut. A limit stands far above what a
 * large data centre needs and far below what would exhaust the machine. */

enum {
    LIMIT_NAME_BYTES = 255,               /* name of a switch, port, hypervisor or guest */
    LIMIT_FIELD_BYTES = 64 * 1024,        /* one field of a CSV or JSON-lines row */
    LIMIT_LINE_BYTES = 1024 * 1024,       /* one row of a CSV, JSON-lines or recording file */
    LIMIT_COLUMNS = 256,                  /* columns of one CSV file */
    LIMIT_RECORD_ROWS = 64 * 1000000,     /* rows of one recorded source */
    LIMIT_NAMES_MIB = 3072,               /* names of one recorded source, in MiB */
    LIMIT_EXTRA_MIB = 1024,               /* unknown columns of one recorded source, in MiB */
    LIMIT_RUN_STATE_WORDS = 1024,         /* words for run states, the user's included */
    LIMIT_FORWARD_ROWS = 16 * 1000000,    /* forward entries of one switch */
    LIMIT_SWITCH_PORTS = 65000,           /* ports of one switch */
    LIMIT_VLANS_PER_SET = 4096,           /* VLANs that share one FDB */
    LIMIT_SNMP_MESSAGE = 65507,           /* one SNMP message over UDP */
    LIMIT_RADIUS_SECRET = 256,            /* a RADIUS client's shared secret */
    LIMIT_RADIUS_CLIENTS = 65536,         /* RADIUS clients (addresses and prefixes) */
    LIMIT_RADIUS_PENDING = 32768,         /* RADIUS requests that wait to be stored */
    LIMIT_RADIUS_RECENT = 262144,         /* RADIUS requests remembered to tell repetitions */
    LIMIT_RADIUS_SCOPES = 65536,          /* ports known by their Called-Station-Id */
    LIMIT_DETAIL_MIB = 256,               /* a FreeRADIUS detail file to decode, in MiB */
    LIMIT_RADACCT_MIB = 256,              /* rows of radacct that one question brings, in MiB */
    LIMIT_OID_LENGTH = 128,               /* sub-identifiers of an OID, RFC 3416 section 2.1 */
    LIMIT_CONFIG_BYTES = 4 * 1024 * 1024, /* muster.yaml */
    LIMIT_CONFIG_DEPTH = 32,              /* nesting of muster.yaml */
    LIMIT_STDERR_BYTES = 16 * 1024,       /* of a plug-in's stderr that is kept to show */
    LIMIT_FOLLOWED_ROWS = 256 * 1024,     /* entries of one bridge of this host that are followed */
    LIMIT_TRAP_ENGINES = 4096,            /* senders of SNMPv3 traps remembered */
    LIMIT_TRAP_DEVICES = 4096,            /* senders of traps whose rate is watched singly */
    LIMIT_MEMBERS = 10000,                /* members of collective cases remembered a round */
    LIMIT_CAPTURE_PACKET = 256 * 1024,    /* octets of one packet of a capture */
    LIMIT_CAPTURE_INTERFACES = 4096,      /* interfaces of one section of a pcapng file */
    LIMIT_VLAN_TAGS = 8,                  /* VLAN tags before one frame's payload */
    LIMIT_ENCAPSULATION = 8,              /* tunnels and mirror headers around one packet */
    LIMIT_REASSEMBLIES = 128,           /* fragmented packets of a capture put together at a time */
    LIMIT_IPV6_HEADERS = 16,            /* extension headers of one IPv6 packet */
    LIMIT_MOBILITY_OPTIONS = 64,        /* options of one Mobility Header */
    LIMIT_BINDINGS = 64 * 1024,         /* bindings that one source mobile_ip remembers */
    LIMIT_BINDING_EVENTS = 2048,        /* events a second that one source mobile_ip tells */
    LIMIT_BINDING_LANE = 1000,          /* of these, of one home network */
    LIMIT_BINDING_BURST = 16 * 1024,    /* saved up in quieter seconds */
    LIMIT_HOME_AGENTS = 256,            /* home agents that one source mobile_ip remembers */
    LIMIT_CENSUS_MACS = 128 * 1024,     /* addresses that one source announce remembers */
    LIMIT_CENSUS_NEWS = 1024,           /* new ones it tells a second, of all VLANs together */
    LIMIT_CENSUS_AGAIN = 2048,          /* known ones it tells again a second, likewise */
    LIMIT_CENSUS_BURST = 16 * 1024,     /* of either, saved up in quieter seconds */
    LIMIT_PRESENCE_ROWS = 16 * 1000000, /* sessions on the expiry list, just ended ones too */
    LIMIT_PRESENCE_NAS = 1000000,       /* of these, of one NAS, home agent or switch */
    LIMIT_PRESENCE_HEARD = 1000000,     /* of these, overheard by one source: may be forged */
    LIMIT_PRESENCE_PLACE = 64 * 1024,   /* of these, at one place of one NAS */
    LIMIT_PRESENCE_ID = 32,             /* of these, of one MAC or address */
    LIMIT_HEARD_PLACES = 256 * 1024,    /* switch and port names that events have named */
    LIMIT_LIVE_ORIGINS = 512 * 1024,    /* source, NAS, switch, port and VLAN of events */
    LIMIT_LIVE_DEPARTED = 1000000,      /* ended sessions of guests that should be there */
    LIMIT_LIVE_WINDOWS = 64 * 1024,     /* migration windows, those that rest too */
    LIMIT_LIVE_PROBED = 64 * 1024,      /* addresses whose probes are remembered */
    LIMIT_LIVE_FLUSHES = 32 * 1024,     /* times that switches forgot their tables of late */
    LIMIT_FLUSHES_A_SWITCH = 8,         /* of one switch: its last ones */
    LIMIT_LIVE_MOBILES = 256 * 1024,    /* mobile nodes of which something may stand */
    LIMIT_LIVE_RECENT = 2 * 1000000,    /* events remembered while a round is judged */
    LIMIT_LIVE_DELAYED = 64 * 1024,     /* sessions whose last word came late */
    LIMIT_NAS_INTERVALS = 64 * 1024,    /* NAS without sessions, interim interval remembered */
    LIMIT_JOURNAL_MIB = 2048,           /* events in the journal, not yet in the store, in MiB */
    LIMIT_JOURNAL_PENDING_MIB = 32      /* events that wait for the disk, in memory, in MiB */
};

#endif
