-- The bookings of an island ferry, as every rollout finds them. Today is 2027-04-14. The subset of SQL
-- that DuckDB and SQLite share; dates are ISO text. There are no CHECK constraints on purpose.
CREATE TABLE sailings (id INTEGER PRIMARY KEY, day VARCHAR NOT NULL, leaves VARCHAR NOT NULL, island VARCHAR NOT NULL, seats INTEGER NOT NULL);
CREATE TABLE bookings (id INTEGER PRIMARY KEY, name VARCHAR NOT NULL, sailing_id INTEGER NOT NULL, seats INTEGER NOT NULL, status VARCHAR NOT NULL);
INSERT INTO sailings VALUES
  (1, '2027-04-10', '09:15', 'Skerry', 60),
  (2, '2027-04-17', '09:15', 'Skerry', 60),
  (3, '2027-04-17', '14:30', 'Lamb Holm', 40),
  (4, '2027-04-18', '10:00', 'Lamb Holm', 40),
  (5, '2027-04-24', '09:15', 'Skerry', 60),
  (6, '2027-04-25', '10:00', 'Gull Rock', 24),
  (7, '2027-05-01', '09:15', 'Skerry', 60),
  (8, '2027-05-02', '10:00', 'Gull Rock', 24);
INSERT INTO bookings VALUES
  (1, 'Astrid Nyholm', 5, 6, 'paid'),
  (2, 'Benedict Shaw', 1, 4, 'sailed'),
  (3, 'Carmen Ruiz', 4, 2, 'booked'),
  (4, 'Declan Moran', 2, 4, 'paid'),
  (5, 'Esi Asante', 4, 5, 'paid'),
  (6, 'Florian Huber', 2, 2, 'cancelled'),
  (7, 'Gwen Pritchard', 1, 6, 'sailed'),
  (8, 'Hideo Tanabe', 4, 3, 'paid'),
  (9, 'Ingrid Solberg', 3, 2, 'paid'),
  (10, 'Jamal Whitfield', 2, 5, 'booked'),
  (11, 'Katya Orlova', 8, 2, 'booked'),
  (12, 'Liam Docherty', 1, 1, 'sailed'),
  (13, 'Maeve Corrigan', 4, 2, 'booked'),
  (14, 'Nikhil Sharma', 3, 3, 'paid'),
  (15, 'Olive Renshaw', 4, 6, 'cancelled'),
  (16, 'Paolo Ricci', 4, 6, 'booked'),
  (17, 'Quentin Marsh', 4, 3, 'paid'),
  (18, 'Rosa Delgado', 1, 3, 'sailed'),
  (19, 'Sven Aaltonen', 7, 2, 'booked'),
  (20, 'Thandi Zulu', 5, 3, 'booked');
