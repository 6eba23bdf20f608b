"""The tables, as migrations: one tuple of statements per schema version, only ever appended to."""

_FIRST = (
    """CREATE TABLE deployments (
        deployment_id TEXT PRIMARY KEY,
        owner TEXT NOT NULL,
        thread TEXT NOT NULL,
        plan_hash TEXT NOT NULL,
        target TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('pending', 'applied', 'verified', 'failed', 'rolled_back')),
        revision INTEGER NOT NULL CHECK (revision >= 1),
        spec TEXT NOT NULL,
        model_id TEXT NOT NULL,
        gpu_type TEXT NOT NULL,
        gpu_count INTEGER NOT NULL,
        engine TEXT NOT NULL,
        time_factor REAL NOT NULL CHECK (time_factor > 0),
        monthly_cost_usd REAL,
        snapshot TEXT NOT NULL,
        replicas TEXT NOT NULL DEFAULT '[]',
        reason TEXT NOT NULL DEFAULT '',
        created_at TEXT NOT NULL,
        updated_at TEXT NOT NULL,
        UNIQUE (thread, plan_hash)
    ) STRICT""",
    """CREATE TABLE outcomes (
        outcome_id TEXT PRIMARY KEY,
        deployment_id TEXT,
        endpoint TEXT NOT NULL,
        model_id TEXT NOT NULL,
        gpu_type TEXT,
        tensor_parallel INTEGER,
        quantization TEXT,
        engine TEXT NOT NULL,
        time_factor REAL NOT NULL,
        snapshot TEXT NOT NULL,
        measured_at TEXT NOT NULL,
        duration_s REAL NOT NULL,
        request_rate_rps REAL NOT NULL,
        isl_mean REAL,
        osl_mean REAL,
        requests INTEGER NOT NULL,
        errors INTEGER NOT NULL,
        output_tok_s REAL NOT NULL,
        verdict TEXT NOT NULL,
        report TEXT NOT NULL
    ) STRICT""",
    """CREATE TABLE measures (
        outcome_id TEXT NOT NULL REFERENCES outcomes (outcome_id) ON DELETE CASCADE,
        metric TEXT NOT NULL,
        statistic TEXT NOT NULL,
        measured REAL,
        low REAL,
        high REAL,
        predicted REAL,
        PRIMARY KEY (outcome_id, metric, statistic)
    ) STRICT""",
    """CREATE TABLE slo_outcomes (
        outcome_id TEXT NOT NULL REFERENCES outcomes (outcome_id) ON DELETE CASCADE,
        slo TEXT NOT NULL,
        bound REAL NOT NULL,
        measured REAL,
        verdict TEXT NOT NULL,
        PRIMARY KEY (outcome_id, slo)
    ) STRICT""",
    "CREATE INDEX outcomes_by_model ON outcomes (model_id, gpu_type, engine, measured_at)",
    "CREATE INDEX outcomes_by_deployment ON outcomes (deployment_id, measured_at)",
    """CREATE TABLE audit (
        entry INTEGER PRIMARY KEY AUTOINCREMENT,
        at TEXT NOT NULL,
        who TEXT NOT NULL,
        action TEXT NOT NULL,
        subject TEXT NOT NULL,
        plan_hash TEXT NOT NULL,
        result TEXT NOT NULL
    ) STRICT""",
    "CREATE TRIGGER audit_never_changes BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END",
    "CREATE TRIGGER audit_never_shrinks BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END",
    """CREATE TABLE scenarios (
        thread TEXT NOT NULL,
        name TEXT NOT NULL,
        parent TEXT,
        overrides TEXT NOT NULL,
        plan TEXT NOT NULL,
        created_at TEXT NOT NULL,
        updated_at TEXT NOT NULL,
        PRIMARY KEY (thread, name)
    ) STRICT""",
)

_RATINGS_AND_PAPERS = (
    """CREATE TABLE ratings (
        outcome_id TEXT NOT NULL REFERENCES outcomes (outcome_id) ON DELETE CASCADE,
        who TEXT NOT NULL,
        stars INTEGER NOT NULL CHECK (stars BETWEEN 1 AND 5),
        comment TEXT NOT NULL,
        rated_at TEXT NOT NULL,
        PRIMARY KEY (outcome_id, who)
    ) STRICT""",
    """CREATE TABLE papers (
        paper_id TEXT PRIMARY KEY,
        owner TEXT NOT NULL,
        thread TEXT NOT NULL,
        name TEXT NOT NULL,
        media_type TEXT NOT NULL,
        text TEXT NOT NULL,
        made_at TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX papers_by_thread ON papers (thread)",
)

MIGRATIONS: tuple[tuple[str, ...], ...] = (_FIRST, _RATINGS_AND_PAPERS)
