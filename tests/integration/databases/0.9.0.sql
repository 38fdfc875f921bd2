PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE jobs (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	id VARCHAR(64) NOT NULL, 
	interaction_id BIGINT NOT NULL, 
	user_id BIGINT NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	turn BIGINT NOT NULL, 
	parent_id VARCHAR(64), 
	parent_link TEXT, 
	request TEXT NOT NULL, 
	application_id BIGINT NOT NULL, 
	token TEXT NOT NULL, 
	token_expires_at DATETIME NOT NULL, 
	channel_id BIGINT NOT NULL, 
	guild_id BIGINT, 
	message_id BIGINT, 
	ephemeral BOOLEAN NOT NULL, 
	bot_member BOOLEAN NOT NULL, 
	upload_limit BIGINT NOT NULL, 
	locale VARCHAR(16) NOT NULL, 
	received_at DATETIME NOT NULL, 
	not_before DATETIME, 
	submitted_at DATETIME, 
	ready_at DATETIME, 
	finished_at DATETIME, 
	attempts INTEGER NOT NULL, 
	task_id TEXT, 
	request_id TEXT, 
	result_urls TEXT NOT NULL, 
	cancel_requested BOOLEAN NOT NULL, 
	failure TEXT, 
	cost_micros BIGINT, 
	reply_deleted BOOLEAN NOT NULL, 
	told BOOLEAN NOT NULL, 
	owner TEXT, 
	lease_until DATETIME, 
	CONSTRAINT uq_jobs_id UNIQUE (id), 
	CONSTRAINT uq_jobs_interaction_id UNIQUE (interaction_id)
);
INSERT INTO jobs VALUES(1,'56abeb7f3f77618c',1576485437499768874,1576485425281761281,'delivered',0,NULL,NULL,'{"prompt":"a red fox","model":"grok-imagine-image","aspect_ratio":"1:1","resolution":"1k","count":2,"format":"jpeg","spoiler":false,"private":false,"sources":[],"preset":null,"follows":null}',1576485425281761280,'','2026-11-29 06:45:17.983000',1576485425281761286,1576485425281761283,1576485437587849259,0,1,10485760,'en-US','2026-11-29 06:30:17.989843',NULL,'2026-11-29 06:30:18.021847','2026-11-29 06:30:19.984487','2026-11-29 06:30:20.088200',1,'task_moGHT9QcKe9YSitBVsZxbNi3DXfO7ILJ','f00e434f5858414a946e9cb9549eb4ea','["http://127.0.0.1:35585/files/fhP8-EWgczzEvYmA/result-1.jpeg","http://127.0.0.1:35585/files/fhP8-EWgczzEvYmA/result-2.jpeg"]',0,NULL,40000,0,1,NULL,NULL);
INSERT INTO jobs VALUES(2,'747dd900a26252ec',1576485446324584494,1576485425281761281,'delivered',0,NULL,NULL,'{"prompt":"a lighthouse","model":"grok-imagine-image","aspect_ratio":"1:1","resolution":"1k","count":1,"format":"jpeg","spoiler":false,"private":true,"sources":[],"preset":null,"follows":null}',1576485425281761280,'','2026-11-29 06:45:20.087000',1576485425281761286,1576485425281761283,1576485446475579439,1,1,10485760,'en-US','2026-11-29 06:30:20.093370',NULL,'2026-11-29 06:30:20.142205','2026-11-29 06:30:22.267087','2026-11-29 06:30:22.302595',1,'task_YzaxB4qsrDGZzfNrAAa0ffyjTe6zERus','2bd9e39de61c45b2b0d4500c32b1bb53','["http://127.0.0.1:35585/files/FYs4blp0U_ABtMEE/result-1.jpeg"]',0,NULL,20000,0,1,NULL,NULL);
INSERT INTO jobs VALUES(3,'1a2c8ea2cdec1a14',1576485455606579249,1576485425281761281,'painting',0,NULL,NULL,'{"prompt":"a whale at night","model":"grok-imagine-image","aspect_ratio":"1:1","resolution":"1k","count":4,"format":"jpeg","spoiler":false,"private":false,"sources":[],"preset":null,"follows":null}',1576485425281761280,'laiYeg8LzZNK8Lo69k9w5VlfUawqy8m36sqqsq82FRqS7KRB5imYno4bq7evYDqc','2026-11-29 06:45:22.300000',1576485425281761286,1576485425281761283,1576485455719825458,0,1,10485760,'en-US','2026-11-29 06:30:22.303383',NULL,'2026-11-29 06:30:22.359212',NULL,NULL,1,'task_VLHlMofAWJW35cbUMaV7XhOgRmUlzX1Q','f92ac532ff8f48cdbe1807f0e3e83e2d','[]',0,NULL,NULL,0,0,'the only one','2026-11-29 06:30:52.339166');
CREATE TABLE meta (
	name VARCHAR(64) NOT NULL, 
	value TEXT NOT NULL, 
	CONSTRAINT pk_meta PRIMARY KEY (name)
);
INSERT INTO meta VALUES('command ids:1576485425281761280','{"imagine": 1576485437273276432, "edit": 1576485437273276434, "help": 1576485437273276436, "jobs": 1576485437273276438, "usage": 1576485437273276440, "privacy": 1576485437273276442, "presets": 1576485437273276444, "gallery": 1576485437273276446, "settings": 1576485437273276448, "Edit image": 1576485437273276450, "Imagine this": 1576485437273276452, "Block from Easel": 1576485437273276454, "Unblock from Easel": 1576485437273276456}');
INSERT INTO meta VALUES('commands:1576485425281761280','a8da07abc5c5ac1ee91de78468f2ef769934a6341f0c49efb4a27b612d5f67a2');
CREATE TABLE rules (
	guild_id BIGINT NOT NULL, 
	channel_id BIGINT NOT NULL, 
	value TEXT NOT NULL, 
	changed_by BIGINT NOT NULL, 
	changed_at DATETIME NOT NULL, 
	CONSTRAINT pk_rules PRIMARY KEY (guild_id, channel_id)
);
CREATE TABLE ledger (
	job_id VARCHAR(64) NOT NULL, 
	user_id BIGINT, 
	guild_id BIGINT, 
	channel_id BIGINT NOT NULL, 
	model VARCHAR(64) NOT NULL, 
	resolution VARCHAR(8) NOT NULL, 
	is_edit BOOLEAN NOT NULL, 
	pictures INTEGER NOT NULL, 
	sources INTEGER NOT NULL, 
	cost_micros BIGINT, 
	reserved_at DATETIME NOT NULL, 
	settled_at DATETIME, 
	CONSTRAINT pk_ledger PRIMARY KEY (job_id)
);
INSERT INTO ledger VALUES('56abeb7f3f77618c',1576485425281761281,1576485425281761283,1576485425281761286,'grok-imagine-image','1k',0,2,0,40000,'2026-11-29 06:30:17.989843','2026-11-29 06:30:20.088200');
INSERT INTO ledger VALUES('747dd900a26252ec',1576485425281761281,1576485425281761283,1576485425281761286,'grok-imagine-image','1k',0,1,0,20000,'2026-11-29 06:30:20.093370','2026-11-29 06:30:22.302595');
INSERT INTO ledger VALUES('1a2c8ea2cdec1a14',1576485425281761281,1576485425281761283,1576485425281761286,'grok-imagine-image','1k',0,4,0,80000,'2026-11-29 06:30:22.303383',NULL);
CREATE TABLE blocks (
	guild_id BIGINT NOT NULL, 
	user_id BIGINT NOT NULL, 
	blocked_by BIGINT NOT NULL, 
	blocked_at DATETIME NOT NULL, 
	CONSTRAINT pk_blocks PRIMARY KEY (guild_id, user_id)
);
CREATE TABLE presets (
	id VARCHAR(32) NOT NULL, 
	of_guild BOOLEAN NOT NULL, 
	owner_id BIGINT NOT NULL, 
	name VARCHAR(64) NOT NULL, 
	value TEXT NOT NULL, 
	made_by BIGINT NOT NULL, 
	made_at DATETIME NOT NULL, 
	CONSTRAINT pk_presets PRIMARY KEY (id), 
	CONSTRAINT uq_presets_of_guild_owner_id_name UNIQUE (of_guild, owner_id, name)
);
CREATE TABLE preferences (
	user_id BIGINT NOT NULL, 
	value TEXT NOT NULL, 
	CONSTRAINT pk_preferences PRIMARY KEY (user_id)
);
CREATE TABLE openings (
	id VARCHAR(32) NOT NULL, 
	user_id BIGINT NOT NULL, 
	sources TEXT NOT NULL, 
	link TEXT, 
	made_at DATETIME NOT NULL, 
	CONSTRAINT pk_openings PRIMARY KEY (id)
);
CREATE TABLE drafts (
	id VARCHAR(32) NOT NULL, 
	user_id BIGINT NOT NULL, 
	request TEXT NOT NULL, 
	parent_id VARCHAR(64), 
	parent_link TEXT, 
	made_at DATETIME NOT NULL, 
	CONSTRAINT pk_drafts PRIMARY KEY (id)
);
CREATE TABLE departures (
	guild_id BIGINT NOT NULL, 
	left_at DATETIME NOT NULL, 
	CONSTRAINT pk_departures PRIMARY KEY (guild_id)
);
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
INSERT INTO alembic_version VALUES('0002');
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('jobs',3);
CREATE INDEX ix_jobs_told_seq ON jobs (told, seq);
CREATE INDEX ix_jobs_finished_at ON jobs (finished_at);
CREATE INDEX ix_jobs_user_id_seq ON jobs (user_id, seq);
CREATE INDEX ix_jobs_state_turn_seq ON jobs (state, turn, seq);
CREATE INDEX ix_jobs_guild_id_seq ON jobs (guild_id, seq);
CREATE INDEX ix_ledger_guild_id_reserved_at ON ledger (guild_id, reserved_at);
CREATE INDEX ix_ledger_reserved_at ON ledger (reserved_at);
CREATE INDEX ix_ledger_user_id_reserved_at ON ledger (user_id, reserved_at);
COMMIT;
