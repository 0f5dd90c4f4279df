-- MySQL dump 10.13  Distrib 8.0.33, for Linux (x86_64)
-- Host: brewdb    Database: brewery
-- ------------------------------------------------------
-- What the people at the brewery told us (R.M., March):
--   The head brewer publishes a recipe and schedules a batch for it.
--   When a batch is scheduled, the ingredients are reserved in the malt store.
--   A cellarman starts the brew, takes gravity readings and transfers the batch to another tank.
--   Once the batch has been transferred, the old tank is marked as dirty.
--   The lab tests a sample of each batch; if the sample fails, the batch is dumped and the head brewer is told.
--   After a batch has been released it can be racked into kegs. A batch that has not been released must not be racked.
--   The cellarman cleans a tank after every use.
--   Pubs order kegs. As soon as an order has been delivered, a keg deposit is charged to the pub.
--   Pubs return empty kegs; whenever a keg comes back, its deposit is credited.
--   The driver delivers orders twice a week.
-- ------------------------------------------------------

/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
SET NAMES utf8mb4;

DROP TABLE IF EXISTS `recipe`;
CREATE TABLE `recipe` (
  `id` int unsigned NOT NULL AUTO_INCREMENT,
  `name` varchar(80) NOT NULL,
  `style` varchar(40) DEFAULT NULL,
  `target_gravity` decimal(5,3) DEFAULT NULL,
  `published_at` datetime DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `uq_recipe_name` (`name`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT='beer recipes';

DROP TABLE IF EXISTS `tank`;
CREATE TABLE `tank` (
  `id` int unsigned NOT NULL AUTO_INCREMENT,
  `label` varchar(10) NOT NULL,
  `volume_hl` decimal(6,2) NOT NULL,
  `state` enum('CLEAN','DIRTY','IN_USE') NOT NULL DEFAULT 'CLEAN',
  PRIMARY KEY (`id`)
) ENGINE=InnoDB;

DROP TABLE IF EXISTS `batch`;
CREATE TABLE `batch` (
  `id` int unsigned NOT NULL AUTO_INCREMENT,
  `recipe_id` int unsigned NOT NULL,
  `tank_id` int unsigned DEFAULT NULL,
  `brew_date` date NOT NULL,
  `status` varchar(12) NOT NULL DEFAULT 'SCHEDULED',
  PRIMARY KEY (`id`),
  CONSTRAINT `fk_batch_recipe` FOREIGN KEY (`recipe_id`) REFERENCES `recipe` (`id`),
  CONSTRAINT `fk_batch_tank` FOREIGN KEY (`tank_id`) REFERENCES `tank` (`id`)
) ENGINE=InnoDB;

DROP TABLE IF EXISTS `keg`;
CREATE TABLE `keg` (
  `serial_no` char(12) NOT NULL,
  `size_l` smallint NOT NULL,
  `batch_id` int unsigned DEFAULT NULL,
  `filled_on` date DEFAULT NULL,
  PRIMARY KEY (`serial_no`),
  KEY `ix_keg_batch` (`batch_id`)
) ENGINE=InnoDB;

DROP TABLE IF EXISTS `pub_order`;
CREATE TABLE `pub_order` (
  `id` int unsigned NOT NULL AUTO_INCREMENT,
  `pub_name` varchar(100) NOT NULL,
  `ordered_at` timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  `delivered_at` datetime DEFAULT NULL,
  `deposit_amount` decimal(8,2) DEFAULT '0.00',
  PRIMARY KEY (`id`)
) ENGINE=InnoDB COMMENT='orders of the pubs';

LOCK TABLES `tank` WRITE;
INSERT INTO `tank` VALUES (1,'FV1',20.00,'CLEAN'),(2,'FV2',20.00,'IN_USE'),(3,'BBT1',40.00,'CLEAN');
UNLOCK TABLES;
-- Dump completed on 2025-03-18 22:10:41
