"""Writes a release as files that others' own code reads: one folder per export, made shard by shard.

Parts of the way:
    request    what is asked for: the format, the release, whose side the model speaks
    registry   the formats by name
    make       goes through the release and writes the folder
    part       writes the files of one shard
    folder     what lies in the folder of an export, and whose it is
    document   ``export.json``
"""
