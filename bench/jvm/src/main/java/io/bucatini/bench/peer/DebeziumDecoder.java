package io.bucatini.bench.peer;

import io.debezium.connector.postgresql.PostgresType;
import io.debezium.connector.postgresql.TypeRegistry;
import io.debezium.connector.postgresql.connection.ReplicationMessage;
import io.debezium.connector.postgresql.connection.wal2json.NonStreamingWal2JsonMessageDecoder;
import java.lang.reflect.Field;
import java.nio.ByteBuffer;
import java.sql.Types;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** Debezium 1.7's decoder as its connector calls it: a message of format 1 with one change to the values of the new row. */
public final class DebeziumDecoder implements Function<byte[], Object[]> {
    private static final Object[][] TYPES = {
        {"int2", 21, Types.SMALLINT}, {"int4", 23, Types.INTEGER}, {"int8", 20, Types.BIGINT}, {"bool", 16, Types.BIT},
        {"float4", 700, Types.REAL}, {"float8", 701, Types.DOUBLE}, {"numeric", 1700, Types.NUMERIC},
        {"text", 25, Types.VARCHAR}, {"varchar", 1043, Types.VARCHAR}, {"timestamp", 1114, Types.TIMESTAMP},
        {"timestamptz", 1184, Types.TIMESTAMP_WITH_TIMEZONE}, {"date", 1082, Types.DATE},
    };

    private final NonStreamingWal2JsonMessageDecoder decoder = new NonStreamingWal2JsonMessageDecoder();
    private final TypeRegistry types;
    private Object[] row;

    /** Its registry of types would ask PostgreSQL; here it knows the built-in ones. */
    public DebeziumDecoder() throws Exception {
        Class<?> unsafe = Class.forName("sun.misc.Unsafe");
        Field field = unsafe.getDeclaredField("theUnsafe");
        field.setAccessible(true);
        types = (TypeRegistry) unsafe.getMethod("allocateInstance", Class.class).invoke(field.get(null), TypeRegistry.class);
        Map<String, PostgresType> byName = new HashMap<>();
        Map<Integer, PostgresType> byOid = new HashMap<>();
        set("nameToType", byName);
        set("oidToType", byOid);
        for (Object[] type : TYPES) {
            PostgresType built =
                    new PostgresType.Builder(types, (String) type[0], (Integer) type[1], (Integer) type[2], -1, null).build();
            byName.put((String) type[0], built);
            byOid.put((Integer) type[1], built);
        }
        decoder.setContainsMetadata(true);
    }

    private void set(String name, Object value) throws Exception {
        Field field = TypeRegistry.class.getDeclaredField(name);
        field.setAccessible(true);
        field.set(types, value);
    }

    @Override
    public Object[] apply(byte[] line) {
        row = null;
        try {
            decoder.processMessage(ByteBuffer.wrap(line), this::take, types);
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
        return row;
    }

    private void take(ReplicationMessage message) {
        if (message.isTransactionalMessage()) {
            return;
        }
        List<ReplicationMessage.Column> columns = message.getNewTupleList();
        row = new Object[columns.size()];
        for (int i = 0; i < row.length; i++) {
            row[i] = columns.get(i).getValue(null, false);
        }
    }
}
