-- MySQL dump 10.13  Distrib 8.0.35, for Linux (x86_64)
-- Host: 10.0.3.12    Database: apt_office
-- ------------------------------------------------------
/*!40101 SET NAMES utf8mb4 */;

DROP TABLE IF EXISTS `household`;
CREATE TABLE `household` (
  `household_id` bigint NOT NULL AUTO_INCREMENT COMMENT '세대번호',
  `building` varchar(10) NOT NULL COMMENT '동',
  `unit` varchar(10) NOT NULL COMMENT '호',
  `area_m2` decimal(6,2) DEFAULT NULL COMMENT '전용면적',
  `moved_in_on` date DEFAULT NULL COMMENT '전입일',
  PRIMARY KEY (`household_id`)
) ENGINE=InnoDB COMMENT='세대';

-- 검침원은 매월 20일에 세대의 계량기를 검침한다.
-- 이번 달에 이미 검침한 계량기는 다시 검침할 수 없다.
CREATE TABLE `meter_reading` (
  `reading_id` bigint NOT NULL AUTO_INCREMENT,
  `household_id` bigint NOT NULL,
  `kind` enum('ELECTRICITY','WATER','HEATING') NOT NULL COMMENT '계량기 종류',
  `reading` int NOT NULL COMMENT '지침',
  `read_on` date NOT NULL,
  PRIMARY KEY (`reading_id`),
  CONSTRAINT `fk_reading_household` FOREIGN KEY (`household_id`) REFERENCES `household` (`household_id`)
) ENGINE=InnoDB COMMENT='검침';

-- 관리사무소 경리는 매월 말일에 관리비를 부과한다.
-- 관리비가 부과되면 세대에 고지서를 발송한다.
-- 입주민은 관리비를 납부한다. 납부 기한이 지나면 연체료를 부과한다.
CREATE TABLE `maintenance_fee` (
  `fee_id` bigint NOT NULL AUTO_INCREMENT,
  `household_id` bigint NOT NULL,
  `billing_month` char(7) NOT NULL COMMENT '부과월',
  `amount` int NOT NULL COMMENT '부과금액',
  `due_on` date NOT NULL COMMENT '납부기한',
  `status` enum('CHARGED','PAID','OVERDUE') NOT NULL DEFAULT 'CHARGED',
  PRIMARY KEY (`fee_id`),
  KEY `ix_fee_household` (`household_id`),
  CONSTRAINT `fk_fee_household` FOREIGN KEY (`household_id`) REFERENCES `household` (`household_id`)
) ENGINE=InnoDB COMMENT='관리비';

-- 입주민은 하자 보수를 신청한다. 시설과장은 보수 신청에 기사를 배정한다.
-- 보수가 완료되면 입주민에게 문자를 보낸다.
CREATE TABLE `repair_request` (
  `request_id` bigint NOT NULL AUTO_INCREMENT,
  `household_id` bigint NOT NULL,
  `description` text COMMENT '하자 내용',
  `technician` varchar(50) DEFAULT NULL COMMENT '담당 기사',
  `status` enum('REQUESTED','ASSIGNED','DONE') NOT NULL COMMENT '처리상태',
  PRIMARY KEY (`request_id`),
  CONSTRAINT `fk_repair_household` FOREIGN KEY (`household_id`) REFERENCES `household` (`household_id`)
) ENGINE=InnoDB COMMENT='하자보수 신청';

INSERT INTO `household` VALUES (1,'101','1203',84.97,'2019-03-02');
-- Dump completed on 2025-08-11  3:00:07
