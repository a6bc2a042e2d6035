"""A user's own data: an .npz of arrays, a table as .csv or .parquet, a folder of pictures, or a card that names one of them."""
