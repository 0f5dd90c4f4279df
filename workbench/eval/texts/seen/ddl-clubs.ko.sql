DROP TABLE IF EXISTS member;
CREATE TABLE member (
  id BIGINT NOT NULL AUTO_INCREMENT COMMENT '회원 번호',
  name VARCHAR(50) NOT NULL COMMENT '이름',
  email VARCHAR(100) COMMENT '이메일',
  joined_at DATETIME COMMENT '가입일',
  PRIMARY KEY (id)
) ENGINE=InnoDB COMMENT='회원';

CREATE TABLE club (
  id BIGINT NOT NULL AUTO_INCREMENT COMMENT '동호회 번호',
  title VARCHAR(80) NOT NULL COMMENT '동호회명',
  leader_id BIGINT NOT NULL COMMENT '회장',
  PRIMARY KEY (id),
  KEY idx_leader (leader_id),
  CONSTRAINT fk_leader FOREIGN KEY (leader_id) REFERENCES member (id)
) COMMENT='동호회';

CREATE TABLE meeting (
  id BIGINT NOT NULL COMMENT '모임 번호',
  club_id BIGINT NOT NULL COMMENT '동호회',
  place VARCHAR(100) COMMENT '장소',
  FOREIGN KEY (club_id) REFERENCES club (id)
) COMMENT='모임';
CREATE INDEX idx_meeting_club ON meeting (club_id);
CREATE VIEW active_member AS SELECT * FROM member WHERE joined_at IS NOT NULL;
GRANT SELECT ON member TO 'report'@'%';
