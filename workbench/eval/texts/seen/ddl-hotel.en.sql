USE [HotelDb]
GO
PRINT 'Creating tables'
GO
CREATE TABLE [dbo].[Guest] (
    [Id] INT IDENTITY(1,1) NOT NULL,
    [FullName] NVARCHAR(100) NOT NULL,
    [Email] NVARCHAR(100) NULL,
    CONSTRAINT [PK_Guest] PRIMARY KEY CLUSTERED ([Id] ASC)
)
GO
CREATE TABLE [dbo].[Room] (
    [Id] INT NOT NULL PRIMARY KEY,
    [Number] NVARCHAR(10) NOT NULL,
    [Rate] DECIMAL(10,2) NOT NULL
)
GO
CREATE TABLE [dbo].[Booking] (
    [Id] INT NOT NULL PRIMARY KEY,
    [GuestId] INT NOT NULL FOREIGN KEY REFERENCES [dbo].[Guest] ([Id]),
    [RoomId] INT NOT NULL FOREIGN KEY REFERENCES [dbo].[Room] ([Id]),
    [ArrivalDate] DATE NOT NULL
)
GO
CREATE NONCLUSTERED INDEX [IX_Booking_Guest] ON [dbo].[Booking] ([GuestId])
GO
DROP TABLE [dbo].[OldBooking]
GO
